// What is said about an attempt that has ended: from the order it was given, the runner's last
// frame, and how its process ended. Pure.
#pragma once

#include <optional>
#include <string>

#include "core/base/subprocess.h"
#include "shoal/v1/runner.pb.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::agent {

// Why the agent ends a runner; a later one overrules an earlier one.
enum class Ending {
  kNone,
  kPreempted,   // asked to save and stop
  kIdle,        // SERVE: nobody asks any more
  kCancelled,   // a user cancelled
  kTimeLimit,   // resources.time_limit_s
  kHung,        // no sign of life
  kMemory,      // resources.memory_mib
  kLeaseEnded,  // the coordinator was away for too long
  kDropped,     // stale, or the agent goes: nothing is reported
};

struct RunnerEnd {
  Ending ending = Ending::kNone;
  std::string reason;                    // of the ending, a sentence
  std::optional<v1::Finished> finished;  // the runner's last word
  std::optional<ExitStatus> exit;        // unset: it never started
  bool out_of_memory_kill = false;       // the kernel killed something for memory while it ran
  std::string log_tail;                  // the end of what it printed
  int64_t step = 0;                      // the last one it reported
};

// What comes out for kDropped is told to nobody.
v1::AttemptFinished Judge(const RunnerEnd& end);

}  // namespace shoal::agent
