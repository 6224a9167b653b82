// The nouns that the scheduler knows: plain values, each the light half of a row in the store.
//
//   run      one model; here only what a message needs to name it
//   job      schedulable unit of a run; waits in the queue, then has one live attempt
//   attempt  one try at a job on one worker; its number only grows and is the fencing token
//   lease    time-limited right to execute an attempt; ends LOST when it is not renewed
//   worker   a registered process that asks for work
//   slot     unit of capacity on a worker
//
// Fields marked (volatile) live in memory only: they are never written to the store, and a
// restarted coordinator begins without them (CoordinatorStarted sets them anew). All other fields
// are durable: the store writes them as it finds them in updates and gives them back through
// StateImage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/base/ids.h"
#include "shoal/v1/job.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::scheduler {

// How the lab schedules. Constant while the coordinator runs.
struct Config {
  absl::Duration lease =
      absl::Minutes(5);  // told to workers; they count it from when they SENT the request
  absl::Duration lease_grace =
      absl::Seconds(5);  // the coordinator waits this much longer: runners need time to die
  absl::Duration retry_backoff =
      absl::Seconds(2);  // before the second try of a failed job; doubles with each failure
  absl::Duration retry_backoff_max = absl::Minutes(2);
  int32_t max_lost = 20;  // attempts lost with their workers before the job fails
  int32_t max_crashes =
      3;  // runner crashes in a row, without a new checkpoint between them, before the job fails
  int32_t max_takedowns = 3;  // the same for workers that died while running the job
};

struct RunRecord {
  RunId run_id{};
  SweepId sweep_id{};  // empty: launched alone
  std::string name{};

  friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

// What a job asks of a worker; taken from the spec's `resources` and `train.dtype` when it is
// submitted.
struct JobNeeds {
  int32_t slots = 1;
  int64_t memory_bytes = 0;      // 0: not known, fits anywhere
  std::string backend = "auto";  // "auto" | a backend's name | "check:NAME"
  std::string dtype = "auto";    // "auto" | "f32" | "bf16"
  absl::Duration time_limit{};   // of one attempt; zero: none
  int32_t max_attempts =
      3;  // failures before the job fails; lost and preempted attempts do not count
  absl::Duration idle_timeout{};  // SERVE only

  friend bool operator==(const JobNeeds&, const JobNeeds&) = default;
};

// Why a job's attempt is to stop; it outlives attempts and coordinators.
enum class StopWish : int32_t {
  kNone = 0,
  kCancel = 1,  // a user cancelled: the job ends CANCELLED
  kIdle = 2,    // a serve job that nobody asks any more: it ends SUCCEEDED
};

struct JobRecord {
  // Fixed at submit.
  JobId job_id{};
  RunId run_id{};
  v1::JobKind kind = v1::JOB_KIND_TRAIN;
  JobNeeds needs;
  int64_t submit_order = 0;  // from 1, grows by commit order: the queue's order. Given by Decide.
  absl::Time created_at = absl::InfinitePast();

  // Changes with JobChanged.
  v1::JobState state = v1::JOB_STATE_QUEUED;
  std::string state_reason{};      // a sentence, empty when there is nothing to say
  int32_t attempt_count = 0;       // number of the newest attempt
  int32_t failures = 0;            // attempts that FAILED
  int32_t losses = 0;              // attempts that were LOST
  int32_t crashes_in_a_row = 0;    // since the last new checkpoint
  int32_t takedowns_in_a_row = 0;  // since the last new checkpoint
  int64_t checkpoint_step = 0;     // newest resumable checkpoint recorded; 0: none
  int64_t memory_above_bytes =
      0;  // out of memory on a worker of this size: only larger ones will do
  absl::Time not_before = absl::InfinitePast();  // backoff: not placed earlier
  StopWish stop = StopWish::kNone;
  std::string stop_reason{};  // why it is to stop, or is held back
  bool paused = false;        // not placed until somebody resumes it; a running one saves and stops
  std::optional<v1::NumericsClass> numerics{};  // fixed by the first attempt that started
  absl::Time finished_at = absl::InfinitePast();

  bool finished() const { return state != v1::JOB_STATE_QUEUED && state != v1::JOB_STATE_RUNNING; }
  friend bool operator==(const JobRecord&, const JobRecord&);
};

struct AttemptKey {
  JobId job_id{};
  int32_t attempt_number = 0;

  friend bool operator==(const AttemptKey&, const AttemptKey&) = default;
  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const AttemptKey& key) {
    return H::combine(std::move(state), key.job_id, key.attempt_number);
  }
};

struct AttemptRecord {
  // Fixed when leased. host, isa and build_id are in the worker's row.
  AttemptKey key{};
  RunId run_id{};
  WorkerId worker_id{};
  std::string worker_name{};
  std::string instance_id{};  // of the worker's process that it was leased to
  int32_t slots = 1;
  int64_t memory_bytes = 0;
  absl::Time leased_at = absl::InfinitePast();

  // Changes with AttemptChanged.
  v1::AttemptState state = v1::ATTEMPT_STATE_LEASED;
  v1::FailureClass failure_class = v1::FAILURE_CLASS_UNSPECIFIED;
  std::string message{};
  int64_t resumed_from_step = 0;
  absl::Time finished_at = absl::InfinitePast();

  absl::Time lease_expires_at = absl::InfiniteFuture();  // (volatile) grace included
  absl::Time lease_renewed_at = absl::InfinitePast();    // (volatile) what the lease counts from
  absl::Time offered_since =
      absl::InfinitePast();  // (volatile) leased, or found LEASED at the coordinator's start

  bool finished() const {
    return state != v1::ATTEMPT_STATE_LEASED && state != v1::ATTEMPT_STATE_RUNNING;
  }
  friend bool operator==(const AttemptRecord&, const AttemptRecord&) = default;
};

struct WorkerRecord {
  WorkerId worker_id{};  // stays the same when a worker starts anew under its name
  std::string name{};    // unique in the lab
  std::string instance_id{};
  v1::WorkerState state = v1::WORKER_STATE_READY;
  v1::HostInfo host{};
  int32_t slots = 0;
  std::vector<v1::BackendInfo> backends{};
  std::string build_id{};
  absl::Time registered_at = absl::InfinitePast();
  bool drained = false;  // somebody wants it to take no new job; stays when it starts anew

  bool leaving = false;  // (volatile) its process shuts down: it said so in its last Synchronize
  absl::Time last_seen_at = absl::InfinitePast();  // (volatile)
  bool present =
      false;  // (volatile) has spoken to this coordinator process; only present workers get work

  friend bool operator==(const WorkerRecord&, const WorkerRecord&);
};

}  // namespace shoal::scheduler
