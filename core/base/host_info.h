// What this machine is: recorded with every attempt, and part of a run's numerics class.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal {

struct HostInfo {
  std::string hostname;
  std::string cpu_model;  // "AMD EPYC 9B14"; "" when unknown
  // What vector code may use, each usable by CPU and kernel, in this order and joined by "+": avx2,
  // fma, f16c, avx512 (F, BW, CD, DQ, VL), avx512_vnni, avx512_bf16, avx512_fp16, amx_tile,
  // amx_int8, amx_bf16, neon, sve. E.g. "avx2+fma+f16c+avx512+avx512_vnni+avx512_bf16". "generic"
  // when it has none.
  std::string isa;
  int logical_cpus = 1;    // that this process may run on (affinity)
  int physical_cores = 1;  // among those
  double cpu_quota = 0;    // CPUs the cgroup grants, e.g. 1.5; 0 when unlimited
  int64_t l1d_bytes = 0;   // of one core; 0 when unknown
  int64_t l2_bytes = 0;
  int64_t l3_bytes = 0;
  int64_t memory_bytes = 0;  // of the machine, or of the cgroup when that is less
  std::string kernel;        // "Linux 6.1.0"

  // CPUs that may be kept busy: logical_cpus bounded by the quota, at least 1.
  int UsableCpus() const;
};

// Looks at the machine: a few small files, under 10 ms. What cannot be found out keeps its default.
HostInfo ReadHostInfo();

// True when `isa` (as above) names `feature`.
bool IsaHas(const std::string& isa, const std::string& feature);

namespace host_internal {
// Parses cgroup v2's cpu.max ("150000 100000" -> 1.5, "max 100000" -> 0).
double ParseCpuMax(const std::string& text);
// Parses a kernel list of CPUs or sizes: "48K" -> 49152, "1M", "512".
int64_t ParseSize(const std::string& text);
}  // namespace host_internal

}  // namespace shoal
