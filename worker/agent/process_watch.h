// What a runner's process uses, read from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "absl/time/time.h"

namespace shoal::agent {

// Resident memory in bytes; 0 when the process is gone.
int64_t ResidentBytes(pid_t pid);
// User and system time of all its threads; zero when the process is gone.
absl::Duration CpuTime(pid_t pid);
// How many processes the kernel has killed for want of memory since it started.
int64_t OutOfMemoryKills();

}  // namespace shoal::agent
