// Processes of this machine as /proc shows them, for tests that kill one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace shoal::e2e {

// Deadlines here are safety nets only: long enough for any machine, never what a test is about.
inline constexpr absl::Duration kSafetyNet = absl::Minutes(3);

// False also of a process that has ended and waits for its parent to notice.
bool IsAlive(pid_t pid);
// Processor time it has used, in clock ticks; 0 when it is gone.
int64_t CpuTicks(pid_t pid);
// The living children of `parent` whose program is `program` ("shoal-runner").
std::vector<pid_t> ChildrenNamed(pid_t parent, const std::string& program);
// True once it is gone; false after the safety net.
bool WaitUntilGone(pid_t pid);
// SIGKILL, and waits. False when it was not alive, or did not go.
bool KillNow(pid_t pid);

}  // namespace shoal::e2e
