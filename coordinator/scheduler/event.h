// Events: everything that may happen to a lab, as the coordinator's loop hands it to Decide. Ids
// are made by the caller (Decide has no randomness); targets have been resolved to ids; specs have
// been validated.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coordinator/scheduler/records.h"
#include "shoal/v1/checkpoint.pb.h"

namespace shoal::scheduler {

// One run with its train job. Of `job` only job_id, kind and needs are read.
struct NewRun {
  RunRecord run{};
  JobRecord job{};
};

// A run or a whole sweep, in trial order. All or nothing. A request id that was used before changes
// nothing: Decision.duplicate is set, and the caller repeats the stored answer.
struct RunsSubmitted {
  std::string request_id{};  // not empty
  std::string actor{};       // "user:ada@laptop"
  std::vector<NewRun> runs{};
};

// Jobs that are unknown or already finished are left alone. request_id may be empty (then never a
// duplicate).
struct CancelRequested {
  std::string request_id{};
  std::string actor{};
  std::string reason{};
  std::vector<JobId> job_ids{};
};

// Holds train jobs back: waiting ones are not placed, running ones save a checkpoint and go back to
// the queue. Jobs that are paused already, being cancelled, finished or not train jobs are left
// alone.
struct PauseRequested {
  std::string request_id{};
  std::string actor{};
  std::vector<JobId> job_ids{};
};

// Lets paused jobs go, also those that have not stopped yet. Others are left alone.
struct ResumeRequested {
  std::string request_id{};
  std::string actor{};
  std::vector<JobId> job_ids{};
};

// A job that has ended, as the store holds it, and its run.
struct EndedJob {
  RunRecord run{};
  JobRecord job{};
};

// FAILED, CANCELLED and ABORTED jobs are QUEUED again, at the end of the queue, with their tries
// counted anew; they go on from their newest checkpoint, and their attempts are numbered on. Others
// are left alone.
struct RetryRequested {
  std::string request_id{};
  std::string actor{};
  std::vector<EndedJob> jobs{};
};

// A drained worker finishes what it runs and takes no new job until that is undone. Answer
// NOT_FOUND: unknown worker.
struct DrainRequested {
  std::string request_id{};
  std::string actor{};
  WorkerId worker_id{};
  bool undo = false;
};

// A process introduces itself. When `name` is known the worker keeps its old id (read it from the
// state after the commit: State::FindWorkerByName). A new process under a known name takes it over
// with its first Synchronize, which only a living one can send (a registration may arrive after its
// process has died and another has begun): then the old process's attempts are LOST at once. The
// same instance again (a repeated request) changes nothing but the description. Answer ABORTED: a
// newer process has taken the name since; this one must kill its runners and end.
struct WorkerRegistered {
  WorkerId proposed_id{};  // used when the name is new
  std::string name{};
  std::string instance_id{};
  v1::HostInfo host{};
  int32_t slots = 0;
  std::vector<v1::BackendInfo> backends{};
  std::string build_id{};
};

struct HeldAttempt {
  AttemptKey key{};
  v1::AttemptState state = v1::ATTEMPT_STATE_LEASED;
  int64_t step = 0;
};

// Renews the lease of every held attempt that is this worker's. Answer NOT_FOUND: unknown worker or
// older instance, register again. After the commit, DesiredFor gives the answer's content.
struct WorkerSynchronized {
  WorkerId worker_id{};
  std::string instance_id{};
  std::vector<HeldAttempt> held{};
  bool draining = false;
};

// A worker shuts down in good order: it is OFFLINE, and what it still holds is LOST at once.
struct WorkerLeft {
  WorkerId worker_id{};
  std::string instance_id{};
  std::string reason{};
};

struct StartedItem {
  v1::NumericsClass numerics{};
  int64_t resumed_from_step = 0;
};
struct CheckpointItem {
  v1::CheckpointKind kind = v1::CHECKPOINT_KIND_RESUMABLE;
  int64_t step = 0;
};
struct FinishedItem {
  v1::AttemptState state =
      v1::ATTEMPT_STATE_SUCCEEDED;  // SUCCEEDED | FAILED | CANCELLED | PREEMPTED
  v1::FailureClass failure_class = v1::FAILURE_CLASS_UNSPECIFIED;
  std::string message{};
};

// A report, or the part of it above the attempt's high-water mark: the caller leaves out items it
// has recorded before (and answers a report with none left from the mark alone, posting no event,
// also when the attempt is over). Posted for every other report, even one with points only: the
// answer is the fence. OK: write everything the report brought, in the same transaction. ABORTED:
// write nothing of it but this decision's updates.
struct AttemptReported {
  WorkerId worker_id{};
  std::string instance_id{};
  AttemptKey key{};
  std::optional<StartedItem> started{};
  std::vector<CheckpointItem> checkpoints{};
  std::optional<FinishedItem> finished{};
};

// Time has passed: leases end, backoffs end, silent workers go offline. Needed at
// Draft::NextDeadline, harmless at any time.
struct Tick {};

// Someone wants to talk to a run. A living serve job of the run is kept (job.job_id is then not
// used: read State::FindServeJob after the commit; Decision.duplicate is set); otherwise `job` is
// added: job_id, needs are read, kind becomes SERVE.
struct ServeRequested {
  RunRecord run{};
  JobRecord job{};
  std::string actor{};
};

// Nobody has asked this serve job for its idle timeout: a running one is stopped and ends
// SUCCEEDED, a waiting one ends CANCELLED.
struct ServeIdle {
  JobId job_id{};
};

// The first event of a coordinator process, committed before any other, after its state was
// rebuilt: every living attempt gets one full lease from now, no worker gets work before it has
// spoken, and backoffs are cut to their longest.
struct CoordinatorStarted {};

using Event =
    std::variant<RunsSubmitted, CancelRequested, PauseRequested, ResumeRequested, RetryRequested,
                 DrainRequested, WorkerRegistered, WorkerSynchronized, WorkerLeft, AttemptReported,
                 Tick, ServeRequested, ServeIdle, CoordinatorStarted>;

// One line for a person; for logs and simulation traces.
std::string ToString(const Event& event);

}  // namespace shoal::scheduler
