// What a person may do to jobs beside cancelling them: hold them back, let them go, try them again.
#include <algorithm>
#include <utility>

#include "coordinator/scheduler/placement.h"
#include "coordinator/scheduler/step.h"
#include "core/base/strings.h"
#include "core/spec/job_state.h"

namespace shoal::scheduler {
namespace {

std::string FromCheckpoint(const JobRecord& job) {
  return job.checkpoint_step > 0 ? StrCat("; resumes from step ", job.checkpoint_step)
                                 : std::string();
}

// The row of a job whose state stays as it is while somebody's wish for it changes.
void EmitWish(Step& step, JobRecord job, std::string asked) {
  step.Notify(job.run_id);
  const v1::JobState state = job.state;
  step.Emit(
      JobChanged{.job = std::move(job), .from = state, .at = step.now, .asked = std::move(asked)});
}

}  // namespace

absl::Status OnPause(Step& step, const PauseRequested& event) {
  step.decision.actor = event.actor;
  if (IsRepeated(step, event.request_id)) return absl::OkStatus();
  for (const JobId& job_id : event.job_ids) {
    const JobRecord* found = step.state.FindJob(job_id);
    if (found == nullptr || found->paused || found->stop != StopWish::kNone ||
        found->kind != v1::JOB_KIND_TRAIN) {
      continue;
    }
    JobRecord job = *found;
    job.paused = true;
    job.stop_reason = StrCat("paused by ", event.actor);
    if (const AttemptRecord* attempt = step.state.FindAttempt(job_id)) {
      step.Wake(attempt->worker_id);
      job.state_reason = StrCat(job.stop_reason, "; it saves a checkpoint first");
    } else {
      job.state_reason = StrCat(job.stop_reason, FromCheckpoint(job));
    }
    EmitWish(step, std::move(job), "paused");
  }
  return absl::OkStatus();
}

// A running one may have been told to stop already: then it goes back to the queue and is placed
// again like any other.
absl::Status OnResume(Step& step, const ResumeRequested& event) {
  step.decision.actor = event.actor;
  if (IsRepeated(step, event.request_id)) return absl::OkStatus();
  for (const JobId& job_id : event.job_ids) {
    const JobRecord* found = step.state.FindJob(job_id);
    if (found == nullptr || !found->paused) continue;
    JobRecord job = *found;
    job.paused = false;
    job.stop_reason.clear();
    job.state_reason =
        job.state == v1::JOB_STATE_QUEUED ? UnmetRequirement(step.state, job) : std::string();
    job.not_before = std::min(job.not_before, step.now + step.config.retry_backoff_max);
    EmitWish(step, std::move(job), "resumed");
  }
  return absl::OkStatus();
}

absl::Status OnRetry(Step& step, const RetryRequested& event) {
  step.decision.actor = event.actor;
  if (IsRepeated(step, event.request_id)) return absl::OkStatus();
  for (const EndedJob& ended : event.jobs) {
    const v1::JobState from = ended.job.state;
    if (step.state.FindJob(ended.job.job_id) != nullptr || !spec::IsFinal(from) ||
        from == v1::JOB_STATE_SUCCEEDED || ended.job.kind != v1::JOB_KIND_TRAIN) {
      continue;
    }
    JobRecord job = ended.job;
    job.state = v1::JOB_STATE_QUEUED;
    job.submit_order = step.state.next_submit_order();
    job.failures = job.losses = job.crashes_in_a_row = job.takedowns_in_a_row = 0;
    job.memory_above_bytes = 0;
    job.not_before = job.finished_at = absl::InfinitePast();
    job.stop = StopWish::kNone;
    job.stop_reason.clear();
    job.paused = false;
    job.state_reason = UnmetRequirement(step.state, job);
    step.Notify(job.run_id);
    step.Emit(JobRetried{.job = std::move(job), .run = ended.run, .from = from, .at = step.now});
  }
  return absl::OkStatus();
}

}  // namespace shoal::scheduler
