#include "coordinator/scheduler/decide.h"

#include <algorithm>

#include "coordinator/scheduler/step.h"

namespace shoal::scheduler {
namespace {

// What each event does, before queued jobs are placed.
struct Handle {
  Step& step;

  absl::Status operator()(const RunsSubmitted& event) const { return OnSubmitted(step, event); }
  absl::Status operator()(const CancelRequested& event) const { return OnCancel(step, event); }
  absl::Status operator()(const PauseRequested& event) const { return OnPause(step, event); }
  absl::Status operator()(const ResumeRequested& event) const { return OnResume(step, event); }
  absl::Status operator()(const RetryRequested& event) const { return OnRetry(step, event); }
  absl::Status operator()(const DrainRequested& event) const { return OnDrain(step, event); }
  absl::Status operator()(const WorkerRegistered& event) const { return OnRegistered(step, event); }
  absl::Status operator()(const WorkerSynchronized& event) const {
    return OnSynchronized(step, event);
  }
  absl::Status operator()(const WorkerLeft& event) const { return OnLeft(step, event); }
  absl::Status operator()(const AttemptReported& event) const { return OnReport(step, event); }
  absl::Status operator()(const Tick&) const {
    ExpireLeases(step);
    MarkSilentWorkersOffline(step);
    step.room_may_have_changed = true;
    return absl::OkStatus();
  }
  absl::Status operator()(const ServeRequested& event) const { return OnServe(step, event); }
  absl::Status operator()(const ServeIdle& event) const { return OnIdle(step, event); }
  absl::Status operator()(const CoordinatorStarted&) const {
    RenewAllLeases(step);
    return absl::OkStatus();
  }
};

// What placement depends on: the queue, the workers, what they are busy with. And time: see Tick.
// And that a worker speaks for the first time: see OnSynchronized.
bool BearsOnPlacement(const Update& update) {
  if (const auto* job = std::get_if<JobChanged>(&update)) {
    return job->from == v1::JOB_STATE_QUEUED || job->job.state == v1::JOB_STATE_QUEUED;
  }
  if (const auto* attempt = std::get_if<AttemptChanged>(&update))
    return attempt->attempt.finished();
  return std::holds_alternative<JobAdded>(update) || std::holds_alternative<JobRetried>(update) ||
         std::holds_alternative<WorkerRegisteredUpdate>(update) ||
         std::holds_alternative<WorkerStateChanged>(update);
}

}  // namespace

void Step::Emit(Update update) {
  room_may_have_changed = room_may_have_changed || BearsOnPlacement(update);
  apply_(update);
  decision.updates.push_back(std::move(update));
}

void Step::Wake(const WorkerId& worker_id) {
  if (told_.emplace('w', worker_id.str()).second) decision.effects.push_back(WakeWorker{worker_id});
}

void Step::Notify(const RunId& run_id) {
  if (told_.emplace('r', run_id.str()).second) decision.effects.push_back(NotifyRun{run_id});
}

void Step::EndServe(const AttemptKey& key, std::string reason) {
  decision.effects.push_back(ServeEnded{key, std::move(reason)});
}

Decision Draft::Decide(const Event& event, absl::Time now) {
  last_now_ = std::max(last_now_, now);
  looked_at_ = last_now_;
  Step step(config_, ahead_, last_now_, [this](const Update& update) { ahead_.ApplyOne(update); });
  step.decision.actor = "system";
  step.decision.answer = std::visit(Handle{step}, event);
  if (step.room_may_have_changed) PlaceJobs(step);
  return step.Take();
}

Decision Decide(const Config& config, const State& state, const Event& event, absl::Time now) {
  return Draft(config, state).Decide(event, now);
}

}  // namespace shoal::scheduler
