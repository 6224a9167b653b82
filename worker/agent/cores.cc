#include "worker/agent/cores.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <utility>

#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::agent {
namespace {

// How many threads of the core's siblings come before it: 0 for the first thread of a physical
// core.
int SiblingRank(int core, std::map<std::string, int>& seen) {
  RealFileSystem files;
  const absl::StatusOr<std::string> siblings =
      files.ReadFile(StrCat("/sys/devices/system/cpu/cpu", core, "/topology/thread_siblings_list"));
  return seen[siblings.ok() ? *siblings : StrCat(core)]++;
}

}  // namespace

CoreSet& CoreSet::operator=(CoreSet&& other) noexcept {
  std::swap(cores_, other.cores_);
  std::swap(locks_, other.locks_);
  return *this;
}

CoreSet::~CoreSet() {
  for (const int lock : locks_) close(lock);
}

absl::Status CoreSet::Bind(pid_t pid) const {
  if (cores_.empty()) return absl::OkStatus();
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores_) CPU_SET(static_cast<size_t>(core), &set);
  if (sched_setaffinity(pid, sizeof set, &set) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("binding process ", pid, " to its cores"));
}

Cores Cores::OfThisProcess(const std::string& folder) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<std::pair<int, int>> ranked;
  std::map<std::string, int> seen;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(static_cast<size_t>(core), &set))
        ranked.emplace_back(SiblingRank(core, seen), core);
    }
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<int> order;
  for (const auto& [rank, core] : ranked) order.push_back(core);
  RealFileSystem files;
  const absl::Status made = files.MakeDirs(folder, 0700);
  if (!made.ok()) LogWarning("cores are not bound", {"status", made.ToString()});
  return {folder, made.ok() ? order : std::vector<int>()};
}

std::string Cores::DefaultFolder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime != '\0') return JoinPath(runtime, "shoal-cores");
  return StrCat("/tmp/shoal-cores-", getuid());
}

CoreSet Cores::Take(int count) const {
  CoreSet taken;
  for (const int core : order_) {
    if (std::ssize(taken.cores_) == count) break;
    const int lock =
        open(JoinPath(folder_, StrCat(core)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) continue;
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
      close(lock);
      continue;
    }
    taken.cores_.push_back(core);
    taken.locks_.push_back(lock);
  }
  if (std::ssize(taken.cores_) == count) return taken;
  return {};
}

}  // namespace shoal::agent
