// Reports of attempts: the fence, what passes it, and how an attempt ends.
#include <utility>

#include "coordinator/scheduler/step.h"
#include "core/base/strings.h"
#include "core/spec/job_state.h"

namespace shoal::scheduler {
namespace {

// The fence. Only the job's live attempt, on the process it was leased to, may say anything; ""
// when it is that one.
std::string WhyStale(const State& state, const AttemptReported& event) {
  const JobRecord* job = state.FindJob(event.key.job_id);
  if (job == nullptr) return "the job is over";
  const AttemptRecord* attempt = state.FindAttempt(event.key.job_id);
  if (attempt == nullptr) return "the attempt is over, the job waits for another one";
  if (attempt->key != event.key)
    return StrCat("the job is at attempt ", attempt->key.attempt_number);
  if (attempt->worker_id != event.worker_id || attempt->instance_id != event.instance_id) {
    return StrCat("it is leased to another process, of worker ", attempt->worker_name);
  }
  return "";
}

bool IsReportableEnd(v1::AttemptState state) {
  return state == v1::ATTEMPT_STATE_SUCCEEDED || state == v1::ATTEMPT_STATE_FAILED ||
         state == v1::ATTEMPT_STATE_CANCELLED || state == v1::ATTEMPT_STATE_PREEMPTED;
}

std::string ClassText(const v1::NumericsClass& numerics) {
  return StrCat(numerics.backend(), " v", numerics.numerics_version(), " ", numerics.isa(), " ",
                numerics.dtype(), " ", numerics.threads(), " threads, caches ",
                numerics.l1d_bytes(), "/", numerics.l2_bytes(), "/", numerics.l3_bytes());
}

// LEASED -> RUNNING. The first start of a job fixes its numerics class; a later one in another
// class is refused.
absl::Status OnStarted(Step& step, const AttemptKey& key, const StartedItem& item) {
  JobRecord job = *step.state.FindJob(key.job_id);
  if (job.numerics.has_value() &&
      job.numerics->SerializeAsString() != item.numerics.SerializeAsString()) {
    const std::string message = StrCat("would compute in class ", ClassText(item.numerics),
                                       ", the job is in class ", ClassText(*job.numerics));
    EndAttempt(step, key.job_id, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_INFRASTRUCTURE,
               message);
    return absl::AbortedError(
        StrCat("attempt ", key.attempt_number, " of ", key.job_id.str(), " ", message));
  }
  AttemptRecord attempt = *step.state.FindAttempt(key.job_id);
  if (attempt.state == v1::ATTEMPT_STATE_RUNNING) return absl::OkStatus();
  if (!job.numerics.has_value()) {
    job.numerics = item.numerics;
    step.Emit(JobChanged{.job = std::move(job), .from = v1::JOB_STATE_RUNNING, .at = step.now});
  }
  attempt.state = v1::ATTEMPT_STATE_RUNNING;
  attempt.resumed_from_step = item.resumed_from_step;
  step.Emit(AttemptChanged{
      .attempt = std::move(attempt), .from = v1::ATTEMPT_STATE_LEASED, .at = step.now});
  return absl::OkStatus();
}

// New ground was gained: earlier crashes are forgiven.
void OnCheckpoint(Step& step, const AttemptKey& key, const CheckpointItem& item) {
  if (item.kind != v1::CHECKPOINT_KIND_RESUMABLE) return;
  JobRecord job = *step.state.FindJob(key.job_id);
  const bool is_new = item.step > job.checkpoint_step;
  step.Emit(CheckpointAccepted{.key = key, .step = item.step});
  if (!is_new || (job.crashes_in_a_row == 0 && job.takedowns_in_a_row == 0)) return;
  job.checkpoint_step = item.step;
  job.crashes_in_a_row = 0;
  job.takedowns_in_a_row = 0;
  step.Emit(JobChanged{.job = std::move(job), .from = v1::JOB_STATE_RUNNING, .at = step.now});
}

bool LargerWorkerKnown(const State& state, int64_t memory_bytes) {
  for (const auto& [id, worker] : state.workers()) {
    if (worker.host.memory_bytes() > memory_bytes) return true;
  }
  return false;
}

}  // namespace

absl::Status OnReport(Step& step, const AttemptReported& event) {
  if (event.finished.has_value() && !IsReportableEnd(event.finished->state)) {
    return absl::InvalidArgumentError(
        StrCat("an attempt cannot finish as ", spec::Name(event.finished->state),
               "; expected SUCCEEDED, FAILED, CANCELLED or PREEMPTED"));
  }
  if (const WorkerRecord* worker = step.state.FindWorker(event.worker_id)) {
    step.decision.actor = StrCat("worker:", worker->name);
  }
  const std::string stale = WhyStale(step.state, event);
  if (!stale.empty()) {
    step.Emit(StaleReportRefused{
        .key = event.key, .worker_id = event.worker_id, .message = stale, .at = step.now});
    return absl::AbortedError(StrCat("attempt ", event.key.attempt_number, " of ",
                                     event.key.job_id.str(), " is stale: ", stale));
  }
  if (event.started.has_value()) {
    step.Notify(step.state.FindJob(event.key.job_id)->run_id);
    const absl::Status status = OnStarted(step, event.key, *event.started);
    if (!status.ok()) return status;
  }
  for (const CheckpointItem& item : event.checkpoints) OnCheckpoint(step, event.key, item);
  if (event.finished.has_value()) {
    EndAttempt(step, event.key.job_id, event.finished->state, event.finished->failure_class,
               event.finished->message);
  }
  return absl::OkStatus();
}

void EndAttempt(Step& step, const JobId& job_id, v1::AttemptState state,
                v1::FailureClass failure_class, const std::string& message,
                bool worker_began_anew) {
  AttemptRecord attempt = *step.state.FindAttempt(job_id);
  const v1::AttemptState from = attempt.state;
  const WorkerRecord* worker = step.state.FindWorker(attempt.worker_id);
  const int64_t worker_memory = worker == nullptr ? 0 : worker->host.memory_bytes();
  attempt.state = state;
  attempt.failure_class =
      state == v1::ATTEMPT_STATE_FAILED ? failure_class : v1::FAILURE_CLASS_UNSPECIFIED;
  attempt.message = message;
  attempt.finished_at = step.now;
  const AttemptEnd end = {.state = state,
                          .failure_class = failure_class,
                          .message = message,
                          .worker_name = attempt.worker_name,
                          .worker_died = worker_began_anew && from == v1::ATTEMPT_STATE_RUNNING,
                          .worker_memory_bytes = worker_memory,
                          .larger_worker_known = LargerWorkerKnown(step.state, worker_memory)};
  const AttemptKey key = attempt.key;
  step.Emit(AttemptChanged{.attempt = std::move(attempt), .from = from, .at = step.now});
  JobRecord job = AfterAttempt(step.config, *step.state.FindJob(job_id), end, step.now);
  step.Notify(job.run_id);
  if (job.kind == v1::JOB_KIND_SERVE) step.EndServe(key, job.state_reason);
  step.Emit(JobChanged{.job = std::move(job), .from = v1::JOB_STATE_RUNNING, .at = step.now});
}

void LoseAttemptsOf(Step& step, const WorkerId& worker_id, const std::string& why,
                    bool worker_began_anew) {
  const std::set<JobId> job_ids = step.state.LoadOf(worker_id).job_ids;
  for (const JobId& job_id : job_ids) {
    EndAttempt(step, job_id, v1::ATTEMPT_STATE_LOST, v1::FAILURE_CLASS_UNSPECIFIED, why,
               worker_began_anew);
  }
}

}  // namespace shoal::scheduler
