#include "core/spec/numerics.h"

#include <array>
#include <string_view>

#include "core/base/status.h"
#include "core/spec/fingerprint.h"

namespace shoal::spec {
namespace {

constexpr std::string_view kCheckPrefix = "check:";
constexpr std::array<std::string_view, 3> kAutoOrder = {"cuda", "onednn", "reference"};

const v1::BackendInfo* Find(std::string_view name, const Backends& backends) {
  for (const v1::BackendInfo& backend : backends) {
    if (backend.name() == name) return &backend;
  }
  return nullptr;
}

v1::NumericsClass ClassOf(const std::string& name, const v1::BackendInfo& backend,
                          const v1::HostInfo& host) {
  v1::NumericsClass numerics;
  numerics.set_backend(name);
  numerics.set_numerics_version(backend.numerics_version());
  numerics.set_isa(backend.isa());
  numerics.set_l1d_bytes(host.l1d_bytes());
  numerics.set_l2_bytes(host.l2_bytes());
  numerics.set_l3_bytes(host.l3_bytes());
  return numerics;
}

}  // namespace

absl::StatusOr<v1::BackendInfo> ChooseBackend(const std::string& name, const Backends& backends) {
  if (name == "auto") {
    for (const std::string_view candidate : kAutoOrder) {
      const v1::BackendInfo* backend = Find(candidate, backends);
      if (backend != nullptr && backend->available()) return *backend;
    }
    return absl::UnavailableError("no compute backend can be used here");
  }
  std::string_view real = name;
  if (real.starts_with(kCheckPrefix)) real.remove_prefix(kCheckPrefix.size());
  const v1::BackendInfo* backend = Find(real, backends);
  if (backend == nullptr)
    return absl::UnavailableError(StrCat("backend ", real, " is not installed"));
  if (!backend->available())
    return absl::UnavailableError(StrCat("backend ", real, ": ", backend->reason()));
  return *backend;
}

absl::StatusOr<v1::NumericsClass> ResolveNumerics(const v1::RunSpec& spec, const Backends& backends,
                                                  const v1::HostInfo& host) {
  const std::string& asked = spec.resources().backend();
  SHOAL_ASSIGN_OR_RETURN(const v1::BackendInfo backend,
                         ChooseBackend(asked.empty() ? "auto" : asked, backends));
  const bool named = asked.starts_with(kCheckPrefix);
  v1::NumericsClass numerics = ClassOf(named ? asked : backend.name(), backend, host);
  const std::string& dtype = spec.train().dtype();
  numerics.set_dtype(dtype == "f32" || dtype == "bf16" ? dtype
                     : backend.supports_bf16()         ? "bf16"
                                                       : "f32");
  numerics.set_threads(spec.resources().threads() > 0 ? spec.resources().threads() : 1);
  return numerics;
}

absl::Status CheckNumerics(const v1::NumericsClass& wanted, const Backends& backends,
                           const v1::HostInfo& host) {
  SHOAL_ASSIGN_OR_RETURN(const v1::BackendInfo backend, ChooseBackend(wanted.backend(), backends));
  v1::NumericsClass here = ClassOf(wanted.backend(), backend, host);
  here.set_dtype(wanted.dtype());
  here.set_threads(wanted.threads());
  if (NumericsLine(here) == NumericsLine(wanted)) return absl::OkStatus();
  return absl::FailedPreconditionError(StrCat("the run computes with ", NumericsLine(wanted),
                                              "; this worker has ", NumericsLine(here)));
}

}  // namespace shoal::spec
