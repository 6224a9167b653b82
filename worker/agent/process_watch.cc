#include "worker/agent/process_watch.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/base/strings.h"

namespace shoal::agent {

int64_t ResidentBytes(pid_t pid) {
  RealFileSystem files;
  const std::string text = files.ReadFile(StrCat("/proc/", pid, "/statm")).value_or("");
  const size_t space = text.find(' ');
  if (space == std::string::npos) return 0;
  return std::strtoll(text.c_str() + space, nullptr, 10) * sysconf(_SC_PAGESIZE);
}

absl::Duration CpuTime(pid_t pid) {
  RealFileSystem files;
  const std::string text = files.ReadFile(StrCat("/proc/", pid, "/stat")).value_or("");
  const size_t name_end = text.rfind(')');  // the name may hold anything, spaces and brackets too
  if (name_end == std::string::npos) return absl::ZeroDuration();
  const std::vector<std::string_view> fields =
      StrSplit(std::string_view(text).substr(name_end + 1), ' ');
  constexpr size_t kUser = 12;  // fields 14 and 15 of proc(5), counted behind the name
  if (fields.size() <= kUser + 1) return absl::ZeroDuration();
  const int64_t ticks = std::strtoll(std::string(fields[kUser]).c_str(), nullptr, 10) +
                        std::strtoll(std::string(fields[kUser + 1]).c_str(), nullptr, 10);
  return absl::Seconds(ticks) / sysconf(_SC_CLK_TCK);
}

int64_t OutOfMemoryKills() {
  RealFileSystem files;
  const std::string text = files.ReadFile("/proc/vmstat").value_or("");
  const size_t at = text.find("oom_kill ");
  return at == std::string::npos ? 0 : std::strtoll(text.c_str() + at + 9, nullptr, 10);
}

}  // namespace shoal::agent
