#include "tests/e2e/processes.h"

#include <signal.h>

#include <chrono>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/strings.h"

namespace shoal::e2e {
namespace {

// The fields of /proc/<pid>/stat after the name, which may hold spaces: state, parent, ...
std::vector<std::string> StatFields(pid_t pid) {
  RealFileSystem files;
  const absl::StatusOr<std::string> stat = files.ReadFile(StrCat("/proc/", pid, "/stat"));
  const size_t name_end = stat.ok() ? stat->rfind(") ") : std::string::npos;
  if (name_end == std::string::npos) return {};
  return absl::StrSplit(stat->substr(name_end + 2), ' ');
}

int64_t Number(const std::vector<std::string>& fields, size_t at) {
  int64_t value = 0;
  return at < fields.size() && absl::SimpleAtoi(fields[at], &value) ? value : 0;
}

}  // namespace

bool IsAlive(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  return !fields.empty() && fields[0] != "Z" && fields[0] != "X";
}

int64_t CpuTicks(pid_t pid) {
  const std::vector<std::string> fields = StatFields(pid);
  return Number(fields, 11) + Number(fields, 12);  // utime, stime
}

std::vector<pid_t> ChildrenNamed(pid_t parent, const std::string& program) {
  RealFileSystem files;
  std::vector<pid_t> children;
  const absl::StatusOr<std::vector<std::string>> entries = files.ListDir("/proc");
  if (!entries.ok()) return children;
  for (const std::string& entry : *entries) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry, &pid) || Number(StatFields(pid), 1) != parent) continue;
    const absl::StatusOr<std::string> command = files.ReadFile(StrCat("/proc/", pid, "/cmdline"));
    if (!command.ok() || !IsAlive(pid)) continue;
    if (BaseName(command->substr(0, command->find('\0'))) == program) children.push_back(pid);
  }
  return children;
}

bool WaitUntilGone(pid_t pid) {
  const SystemClock clock;
  const absl::Duration deadline = clock.Boottime() + kSafetyNet;
  while (IsAlive(pid)) {
    if (clock.Boottime() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

bool KillNow(pid_t pid) {
  return pid > 1 && IsAlive(pid) && kill(pid, SIGKILL) == 0 && WaitUntilGone(pid);
}

}  // namespace shoal::e2e
