// Whether a job whose attempt has ended is tried again, and when. A pure function from the job's
// row to its next row.
//
//   how the attempt ended          what becomes of the job
//   SUCCEEDED                      SUCCEEDED
//   any other, after a stop wish   CANCELLED (a user's), SUCCEEDED (an idle serve job's)
//   PREEMPTED                      QUEUED, at its old place, at once; counts for nothing
//   LOST                           QUEUED at once; FAILED after max_lost, or when max_takedowns
//   workers in a row died
//                                  running it
//   FAILED, INVALID_SPEC           FAILED: it would fail again
//   FAILED, NOT_FINITE             FAILED: it would again, training is deterministic
//   FAILED, OUT_OF_MEMORY          QUEUED for workers with more memory, when the lab knows one;
//   else FAILED FAILED, BACKEND_CRASH          QUEUED after a backoff; FAILED after max_crashes in
//   a row FAILED, TIMED_OUT              as the next line, but FAILED when the job has a time limit
//   FAILED, other                  QUEUED after a backoff; FAILED after needs.max_attempts failures
//   CANCELLED, nobody asked        as FAILED, INFRASTRUCTURE
//
// "In a row" means without a new resumable checkpoint in between: a job that makes progress is not
// the culprit.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "coordinator/scheduler/records.h"

namespace shoal::scheduler {

struct AttemptEnd {
  v1::AttemptState state = v1::ATTEMPT_STATE_LOST;
  v1::FailureClass failure_class = v1::FAILURE_CLASS_UNSPECIFIED;
  std::string message{};  // of the worker, or the system's reason for a LOST one
  std::string worker_name{};
  bool worker_died = false;  // LOST because the worker began anew, while the attempt was RUNNING
  int64_t worker_memory_bytes = 0;   // 0: not known
  bool larger_worker_known = false;  // some worker of the lab has more memory than that
};

// The job's row after its live attempt has ended like that. Requires job.state == RUNNING.
JobRecord AfterAttempt(const Config& config, JobRecord job, const AttemptEnd& end, absl::Time now);

// Wait before another try: retry_backoff, doubled for every failure after the first, at most
// retry_backoff_max.
absl::Duration Backoff(const Config& config, int32_t failures);

}  // namespace shoal::scheduler
