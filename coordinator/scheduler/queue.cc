// Jobs enter the queue, leave it for a worker, and are called back.
#include <string_view>
#include <utility>

#include "coordinator/scheduler/placement.h"
#include "coordinator/scheduler/step.h"
#include "core/base/strings.h"

namespace shoal::scheduler {
namespace {

void AddJob(Step& step, const RunRecord& run, const JobRecord& asked, v1::JobKind kind) {
  JobRecord job;
  job.job_id = asked.job_id;
  job.run_id = run.run_id;
  job.kind = kind;
  job.needs = asked.needs;
  job.submit_order = step.state.next_submit_order();
  job.created_at = step.now;
  job.state_reason = UnmetRequirement(step.state, job);
  step.Emit(JobAdded{.job = std::move(job), .run = run});
  step.Notify(run.run_id);
}

void ChangeQueued(Step& step, JobRecord job) {
  step.Notify(job.run_id);
  step.Emit(JobChanged{.job = std::move(job), .from = v1::JOB_STATE_QUEUED, .at = step.now});
}

void CancelQueued(Step& step, JobRecord job, const std::string& reason) {
  job.state = v1::JOB_STATE_CANCELLED;
  job.state_reason = reason;
  job.not_before = absl::InfinitePast();
  job.finished_at = step.now;
  job.paused = false;
  if (job.kind == v1::JOB_KIND_SERVE) step.EndServe({job.job_id, job.attempt_count}, reason);
  ChangeQueued(step, std::move(job));
}

// A running job: remembered with the job, told to the worker at its next Synchronize.
void StopRunning(Step& step, JobRecord job, StopWish wish, const std::string& reason) {
  step.Wake(step.state.FindAttempt(job.job_id)->worker_id);
  step.Notify(job.run_id);
  job.stop = wish;
  job.stop_reason = reason;
  job.paused = false;  // there will be nothing to hold back
  job.state_reason.clear();
  step.Emit(JobChanged{.job = std::move(job),
                       .from = v1::JOB_STATE_RUNNING,
                       .at = step.now,
                       .asked = wish == StopWish::kCancel ? "cancel_asked" : ""});
}

void Lease(Step& step, const Placement& placement) {
  const WorkerRecord& worker = *step.state.FindWorker(placement.worker_id);
  JobRecord job = *step.state.FindJob(placement.job_id);
  ++job.attempt_count;
  job.state = v1::JOB_STATE_RUNNING;
  job.state_reason.clear();
  job.not_before = absl::InfinitePast();
  AttemptRecord attempt;
  attempt.key = {.job_id = job.job_id, .attempt_number = job.attempt_count};
  attempt.run_id = job.run_id;
  attempt.worker_id = worker.worker_id;
  attempt.worker_name = worker.name;
  attempt.instance_id = worker.instance_id;
  attempt.slots = job.needs.slots;
  attempt.memory_bytes = job.needs.memory_bytes;
  attempt.leased_at = step.now;
  attempt.lease_expires_at = LeaseEnd(step);
  attempt.lease_renewed_at = step.now;
  attempt.offered_since = step.now;
  step.Wake(placement.worker_id);
  ChangeQueued(step, std::move(job));
  step.Emit(AttemptAdded{std::move(attempt)});
}

}  // namespace

bool IsRepeated(Step& step, const std::string& request_id) {
  if (request_id.empty()) return false;
  if (step.state.HasRequest(request_id)) return step.decision.duplicate = true;
  step.Emit(RequestRecorded{request_id});
  return false;
}

absl::Status OnSubmitted(Step& step, const RunsSubmitted& event) {
  step.decision.actor = event.actor;
  if (event.request_id.empty()) {
    return absl::InvalidArgumentError(
        "request_id is empty; it must be chosen by the client, new for every submit");
  }
  if (IsRepeated(step, event.request_id)) return absl::OkStatus();
  for (const NewRun& added : event.runs) {
    step.Emit(RunAdded{added.run});
    AddJob(step, added.run, added.job, added.job.kind);
  }
  return absl::OkStatus();
}

absl::Status OnCancel(Step& step, const CancelRequested& event) {
  step.decision.actor = event.actor;
  if (IsRepeated(step, event.request_id)) return absl::OkStatus();
  const std::string reason =
      StrCat("cancelled by ", event.actor, event.reason.empty() ? "" : ": ", event.reason);
  for (const JobId& job_id : event.job_ids) {
    const JobRecord* job = step.state.FindJob(job_id);
    if (job == nullptr || job->stop == StopWish::kCancel) continue;
    if (job->state == v1::JOB_STATE_QUEUED) {
      CancelQueued(step, *job, reason);
    } else {
      StopRunning(step, *job, StopWish::kCancel, reason);
    }
  }
  return absl::OkStatus();
}

absl::Status OnServe(Step& step, const ServeRequested& event) {
  step.decision.actor = event.actor;
  if (step.state.FindServeJob(event.run.run_id) != nullptr) {
    step.decision.duplicate = true;
    return absl::OkStatus();
  }
  AddJob(step, event.run, event.job, v1::JOB_KIND_SERVE);
  return absl::OkStatus();
}

absl::Status OnIdle(Step& step, const ServeIdle& event) {
  const JobRecord* job = step.state.FindJob(event.job_id);
  if (job == nullptr || job->stop != StopWish::kNone) return absl::OkStatus();
  if (job->kind != v1::JOB_KIND_SERVE) {
    return absl::FailedPreconditionError(StrCat("job ", event.job_id.str(), " is not a serve job"));
  }
  if (job->state == v1::JOB_STATE_QUEUED) {
    CancelQueued(step, *job, "nobody waits for it any more");
  } else {
    StopRunning(step, *job, StopWish::kIdle, "nobody asks it any more");
  }
  return absl::OkStatus();
}

void PlaceJobs(Step& step) {
  for (const Placement& placement : PlanQueued(step.state, step.now).placements)
    Lease(step, placement);
}

// Writes only where the reason changes. Without any worker nothing is said: that is a passing state
// of the lab, not a property of the job, and Explain names it.
void RefreshUnmetReasons(Step& step) {
  std::vector<JobRecord> changed;
  for (const State::QueuePlace& place : step.state.queue()) {
    const JobRecord& job = *step.state.FindJob(place.job_id);
    const bool says_unmet = job.state_reason.starts_with(kUnmetPrefix);
    const std::string unmet = UnmetRequirement(step.state, job);
    if (unmet == job.state_reason || (unmet.empty() && !says_unmet)) continue;
    changed.push_back(job);
    changed.back().state_reason = unmet;
  }
  for (JobRecord& job : changed) ChangeQueued(step, std::move(job));
}

}  // namespace shoal::scheduler
