// Updates: the only way the scheduler's state changes. Decide makes them, the store writes them in
// one SQLite transaction, and only then are they applied to memory (committed_updates.h).
//
// Each carries the row as it is AFTER the change, so that writing one is an INSERT or an UPDATE by
// key, and applying the same ones again in the same order gives the same rows. States before and
// after are both given: the store writes a line of the event log whenever they differ.
#pragma once

#include <string>
#include <variant>

#include "coordinator/scheduler/records.h"

namespace shoal::scheduler {

// A client's request id has been used. The store keeps what it answered under this id; UNIQUE in
// SQL.
struct RequestRecorded {
  std::string request_id{};
};

// A new run's row. The scheduler's memory learns the run from JobAdded.
struct RunAdded {
  RunRecord run{};
};

// A new job's row. `run` is its run: added right before, or, for a serve job, in the store for
// long.
struct JobAdded {
  JobRecord job{};
  RunRecord run{};
};

// `job` replaces the row. A job in a final state leaves the scheduler's memory, not the store.
struct JobChanged {
  JobRecord job{};
  v1::JobState from =
      v1::JOB_STATE_UNSPECIFIED;  // equal to job.state: counters, reason or wishes changed
  absl::Time at{};
  std::string asked{};  // what somebody asked for, for the event log: "paused", "resumed",
                        // "cancel_asked"; empty: the change of state speaks for itself
};

// A job that had ended waits again, with a new place in the queue. `job` replaces the row; memory
// learns job and run anew.
struct JobRetried {
  JobRecord job{};
  RunRecord run{};
  v1::JobState from = v1::JOB_STATE_UNSPECIFIED;
  absl::Time at{};
};

// A new attempt has been leased. Its JobChanged (to RUNNING, with the same attempt_count) comes
// right before it.
struct AttemptAdded {
  AttemptRecord attempt{};
};

// `attempt` replaces the row. An attempt in a final state leaves the scheduler's memory, not the
// store.
struct AttemptChanged {
  AttemptRecord attempt{};
  v1::AttemptState from = v1::ATTEMPT_STATE_UNSPECIFIED;
  absl::Time at{};
};

// A report's resumable checkpoint has passed the fence. The store writes the checkpoint's own row
// (artifact, loss) in the same transaction, from the report. job.checkpoint_step of the job's next
// JobChanged includes it; State applies max(old, step) here.
struct CheckpointAccepted {
  AttemptKey key{};
  int64_t step = 0;
};

// Inserted, or replaced when the id is known: a worker that starts anew keeps its id.
struct WorkerRegisteredUpdate {
  WorkerRecord worker{};
  bool announced_only = false;  // (volatile then, not written) a new process under a known name: it
                                // takes the name over with its first Synchronize
};

struct WorkerStateChanged {
  WorkerId worker_id{};
  v1::WorkerState from = v1::WORKER_STATE_UNSPECIFIED;
  v1::WorkerState to = v1::WORKER_STATE_UNSPECIFIED;
  std::string reason{};
  absl::Time at{};
};

struct WorkerDrainSet {
  WorkerId worker_id{};
  bool drained = false;
  absl::Time at{};
};

// A report of an older or ended attempt was refused: add 1 to the lab's count, and a line to the
// event log.
struct StaleReportRefused {
  AttemptKey key{};
  WorkerId worker_id{};
  std::string message{};
  absl::Time at{};
};

// Volatile: not written. See IsDurable.
struct LeaseRenewed {
  AttemptKey key{};
  absl::Time at{};
  absl::Time expires_at{};
  bool at_start = false;  // of the coordinator: an attempt that is still LEASED is offered anew for
                          // a full lease
};
struct WorkerSeen {
  WorkerId worker_id{};
  absl::Time at{};
  bool present = true;  // false: only counts silence from `at` (after the coordinator's start)
  bool leaving = false;
};

using Update =
    std::variant<RequestRecorded, RunAdded, JobAdded, JobChanged, JobRetried, AttemptAdded,
                 AttemptChanged, CheckpointAccepted, WorkerRegisteredUpdate, WorkerStateChanged,
                 WorkerDrainSet, StaleReportRefused, LeaseRenewed, WorkerSeen>;

// False for LeaseRenewed, WorkerSeen and announcements: the store skips them (a batch of nothing
// else needs no SQLite transaction at all), yet they reach memory through CommittedUpdates like all
// others. A restarted coordinator renews every lease for one full lease, so nothing is lost.
inline bool IsDurable(const Update& update) {
  if (const auto* registered = std::get_if<WorkerRegisteredUpdate>(&update))
    return !registered->announced_only;
  return !std::holds_alternative<LeaseRenewed>(update) &&
         !std::holds_alternative<WorkerSeen>(update);
}

// One line for a person: "job job-0dz… RUNNING -> QUEUED: worker local was lost". For logs and
// simulation traces.
std::string ToString(const Update& update);

}  // namespace shoal::scheduler
