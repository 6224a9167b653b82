#include "worker/runner/probe.h"

#include "core/base/host_info.h"
#include "worker/engine/backend/loader.h"

namespace shoal::runner {

v1::Capabilities ProbeHere() {
  v1::Capabilities capabilities;
  for (v1::BackendInfo& backend : engine::ProbeBackends())
    *capabilities.add_backends() = std::move(backend);
  const HostInfo host = ReadHostInfo();
  v1::HostInfo& out = *capabilities.mutable_host();
  out.set_host(host.hostname);
  out.set_isa(host.isa);
  out.set_cores(host.UsableCpus());
  out.set_memory_bytes(host.memory_bytes);
  out.set_l1d_bytes(host.l1d_bytes);
  out.set_l2_bytes(host.l2_bytes);
  out.set_l3_bytes(host.l3_bytes);
  out.set_os(host.kernel);
  return capabilities;
}

}  // namespace shoal::runner
