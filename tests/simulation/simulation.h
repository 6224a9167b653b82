// The deterministic simulator: the real scheduler (Decide, State), and around it a simulated disk,
// network, clock, workers, runners and clients, all in one thread of virtual time.
//
//   client ---.                          .--- worker A: runner, runner
//   client ---+-- network: delays, ------+--- worker B: runner
//             |   loses, repeats,        '--- worker C
//             |   reorders, partitions
//        coordinator (Draft) -- disk (SimStore)
//        crashes before and after every commit; a commit may fail
//
// For the first part of a run faults happen: workers crash and begin anew under their names, sleep,
// are cut off, drain; runners fail; the coordinator crashes and starts from the disk; clients
// repeat submits whose answer was lost, cancel, pause and resume, try again what ended, drain
// workers and end that. Then everything heals, who paused or drained takes it back, and every job
// must come to an end. Invariants are checked after every action.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace shoal::simulation {

// Deliberate mistakes, to see that the invariants find them.
enum class Bug {
  kNone,
  kIgnoreFence,         // a refused report is recorded all the same
  kShortLease,          // the coordinator's lease is shorter than the one workers are told
  kCountFromReceipt,    // a worker counts its lease from the answer, not from its request
  kAnswerBeforeCommit,  // clients are answered before the transaction is safe
  kForgetUpdate,        // the disk misses an update now and then
  kForgetRequestIds,    // a repeated submit is taken for a new one
  kNoLeaseAtStart,      // a restarted coordinator does not start the leases of living attempts anew
  kForgetPause,         // a pause is answered and not done
  kForgetResume,        // a resume is answered and not done
  kForgetDrain,         // a drain is answered and not done
  kRetryCountsAnew,     // a retried job's attempts are numbered from 1 again
};

struct Options {
  uint64_t seed = 1;
  Bug bug = Bug::kNone;
  bool keep_trace = false;
};

struct Outcome {
  std::string violation{};  // the first broken invariant; empty: none
  uint64_t trace_hash = 0;
  std::vector<std::string> trace{};  // when kept
  int64_t actions = 0;
  int64_t commits = 0;
  int64_t coordinator_starts = 0;
  int64_t attempts = 0;
  int64_t lost = 0;
  int64_t refused = 0;
  int64_t succeeded = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
  int64_t paused = 0;   // times that a job was held back
  int64_t retried = 0;  // times that a job which had ended waited again
  int64_t drained = 0;  // times that a worker was
};

Outcome Run(const Options& options);

}  // namespace shoal::simulation
