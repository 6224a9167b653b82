#include "core/base/host_info.h"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

#include "absl/strings/numbers.h"
#include "core/base/strings.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace shoal {
namespace {

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

#if defined(__x86_64__)
// Bits of the extended state that the kernel saves: without them the instructions fault.
uint64_t ReadXcr0() {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

struct Cpuid {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Cpuid ReadCpuid(uint32_t leaf, uint32_t subleaf) {
  Cpuid r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

std::vector<std::string> IsaFeatures() {
  std::vector<std::string> features;
  const auto add = [&features](bool present, const char* name) {
    if (present) features.emplace_back(name);
  };
  const auto bit = [](uint32_t word, int index) { return (word >> index & 1) != 0; };
  const Cpuid leaf1 = ReadCpuid(1, 0);
  if (!bit(leaf1.ecx, 27)) return features;  // OSXSAVE
  const uint64_t saved = ReadXcr0();
  const bool ymm = (saved & 0x6) == 0x6;
  const bool zmm = ymm && (saved & 0xE0) == 0xE0;
  const bool tiles = (saved & 0x60000) == 0x60000;
  const Cpuid leaf7 = ReadCpuid(7, 0);
  const Cpuid leaf7_1 = ReadCpuid(7, 1);
  const bool avx512 = zmm && bit(leaf7.ebx, 16) && bit(leaf7.ebx, 17) && bit(leaf7.ebx, 28) &&
                      bit(leaf7.ebx, 30) && bit(leaf7.ebx, 31);
  add(ymm && bit(leaf7.ebx, 5), "avx2");
  add(ymm && bit(leaf1.ecx, 12), "fma");
  add(ymm && bit(leaf1.ecx, 29), "f16c");
  add(avx512, "avx512");
  add(avx512 && bit(leaf7.ecx, 11), "avx512_vnni");
  add(avx512 && bit(leaf7_1.eax, 5), "avx512_bf16");
  add(avx512 && bit(leaf7.edx, 23), "avx512_fp16");
  add(tiles && bit(leaf7.edx, 24), "amx_tile");
  add(tiles && bit(leaf7.edx, 25), "amx_int8");
  add(tiles && bit(leaf7.edx, 22), "amx_bf16");
  return features;
}
#elif defined(__aarch64__)
std::vector<std::string> IsaFeatures() {
  std::vector<std::string> features = {"neon"};
  if ((getauxval(AT_HWCAP) & (1UL << 22)) != 0) features.emplace_back("sve");
  return features;
}
#else
std::vector<std::string> IsaFeatures() { return {}; }
#endif

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const std::vector<std::string_view> parts = StrSplit(line, ':');
    if (parts.size() >= 2) return std::string(StripSpace(parts[1]));
  }
  return "";
}

std::vector<int> AllowedCpus() {
  std::vector<int> cpus;
  cpu_set_t* const set = CPU_ALLOC(4096);
  const size_t bytes = CPU_ALLOC_SIZE(4096);
  CPU_ZERO_S(bytes, set);
  if (sched_getaffinity(0, bytes, set) == 0) {
    for (int cpu = 0; cpu < 4096; ++cpu) {
      if (CPU_ISSET_S(static_cast<size_t>(cpu), bytes, set)) cpus.push_back(cpu);
    }
  }
  CPU_FREE(set);
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

void ReadCaches(int cpu, HostInfo& info) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder =
        StrCat("/sys/devices/system/cpu/cpu", cpu, "/cache/index", index, "/");
    const std::string level = FirstLine(folder + "level");
    if (level.empty()) break;
    const int64_t size = host_internal::ParseSize(FirstLine(folder + "size"));
    if (level == "1" && FirstLine(folder + "type") == "Data") info.l1d_bytes = size;
    if (level == "2") info.l2_bytes = size;
    if (level == "3") info.l3_bytes = size;
  }
  const auto fall_back = [](int64_t& value, int name) {
    if (value == 0) value = std::max<int64_t>(sysconf(name), 0);
  };
  fall_back(info.l1d_bytes, _SC_LEVEL1_DCACHE_SIZE);
  fall_back(info.l2_bytes, _SC_LEVEL2_CACHE_SIZE);
  fall_back(info.l3_bytes, _SC_LEVEL3_CACHE_SIZE);
}

// This process's cgroup and its parents, innermost first; a limit of any of them binds.
std::vector<std::string> CgroupFolders() {
  std::string path;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) path = line.substr(3);
  }
  std::vector<std::string> folders;
  while (!path.empty() && path != "/") {
    folders.push_back("/sys/fs/cgroup" + path);
    path = path.substr(0, path.rfind('/'));
  }
  folders.emplace_back("/sys/fs/cgroup");
  return folders;
}

}  // namespace

namespace host_internal {

double ParseCpuMax(const std::string& text) {
  std::istringstream in(text);
  double quota = 0;
  double period = 0;
  if (!(in >> quota >> period) || period <= 0) return 0;
  return quota / period;
}

int64_t ParseSize(const std::string& text) {
  std::string digits = text;
  int64_t unit = 1;
  const size_t suffix =
      text.empty() ? std::string::npos : std::string_view("KMG").find(text.back());
  if (suffix != std::string::npos) {
    unit = int64_t{1} << (10 * (suffix + 1));
    digits.pop_back();
  }
  int64_t value = 0;
  return absl::SimpleAtoi(digits, &value) ? value * unit : 0;
}

}  // namespace host_internal

int HostInfo::UsableCpus() const {
  if (cpu_quota <= 0) return std::max(logical_cpus, 1);
  return std::clamp(static_cast<int>(std::ceil(cpu_quota)), 1, std::max(logical_cpus, 1));
}

HostInfo ReadHostInfo() {
  HostInfo info;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) == 0) info.hostname = name;
  utsname system{};
  if (uname(&system) == 0) info.kernel = StrCat(system.sysname, " ", system.release);
  info.cpu_model = CpuModel();
  const std::vector<std::string> features = IsaFeatures();
  info.isa = features.empty() ? "generic" : StrJoin(features, "+");

  const std::vector<int> cpus = AllowedCpus();
  info.logical_cpus = static_cast<int>(cpus.size());
  std::set<std::string> cores;
  for (int cpu : cpus) {
    const std::string siblings =
        FirstLine(StrCat("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
    cores.insert(siblings.empty() ? StrCat(cpu) : siblings);
  }
  info.physical_cores = static_cast<int>(cores.size());
  ReadCaches(cpus.front(), info);

  struct sysinfo memory {};
  if (sysinfo(&memory) == 0)
    info.memory_bytes = static_cast<int64_t>(memory.totalram) * memory.mem_unit;
  for (const std::string& folder : CgroupFolders()) {
    const int64_t limit = host_internal::ParseSize(FirstLine(folder + "/memory.max"));
    if (limit > 0) info.memory_bytes = std::min(info.memory_bytes, limit);
    const double quota = host_internal::ParseCpuMax(FirstLine(folder + "/cpu.max"));
    if (quota > 0) info.cpu_quota = info.cpu_quota > 0 ? std::min(info.cpu_quota, quota) : quota;
  }
  return info;
}

bool IsaHas(const std::string& isa, const std::string& feature) {
  for (std::string_view part : StrSplit(isa, '+')) {
    if (part == feature) return true;
  }
  return false;
}

}  // namespace shoal
