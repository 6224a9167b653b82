// Workers come, speak, fall silent, begin anew and leave.
#include <utility>

#include "coordinator/scheduler/placement.h"
#include "coordinator/scheduler/step.h"
#include "core/base/strings.h"

namespace shoal::scheduler {
namespace {

void ChangeState(Step& step, const WorkerId& worker_id, v1::WorkerState to, std::string reason) {
  const v1::WorkerState from = step.state.FindWorker(worker_id)->state;
  if (from == to) return;
  step.Emit(WorkerStateChanged{
      .worker_id = worker_id, .from = from, .to = to, .reason = std::move(reason), .at = step.now});
}

v1::WorkerState StateOf(bool drained, bool leaving) {
  return drained || leaving ? v1::WORKER_STATE_DRAINING : v1::WORKER_STATE_READY;
}

// It shuts down, holds nothing any more, and nothing that it does not know of yet is leased to it.
bool IsGone(const Step& step, const WorkerSynchronized& event) {
  return event.draining && event.held.empty() && step.state.LoadOf(event.worker_id).job_ids.empty();
}

constexpr char kDrainedText[] = "drained: it takes no new jobs";

// A process that registered under a known name has spoken: it is alive, and it is the worker now.
void TakeOver(Step& step, const WorkerId& worker_id) {
  WorkerRecord worker = *step.state.FindAnnounced(worker_id);
  worker.drained = step.state.FindWorker(worker_id)->drained;  // it may have changed since
  worker.state = StateOf(worker.drained, /*leaving=*/false);
  LoseAttemptsOf(step, worker_id, StrCat("worker ", worker.name, " began anew"),
                 /*worker_began_anew=*/true);
  worker.last_seen_at = step.now;
  step.Emit(WorkerRegisteredUpdate{.worker = std::move(worker)});
  RefreshUnmetReasons(step);
}

// Answers NOT_FOUND, which makes the worker register again, unless this is the process that has the
// name.
absl::Status KnowInstance(Step& step, const WorkerId& worker_id, const std::string& instance_id) {
  const WorkerRecord* worker = step.state.FindWorker(worker_id);
  if (worker == nullptr)
    return absl::NotFoundError(StrCat("worker ", worker_id.str(), " is not known: register again"));
  step.decision.actor = StrCat("worker:", worker->name);
  if (worker->instance_id == instance_id) return absl::OkStatus();
  const WorkerRecord* announced = step.state.FindAnnounced(worker_id);
  if (announced != nullptr && announced->instance_id == instance_id) {
    TakeOver(step, worker_id);
    return absl::OkStatus();
  }
  return absl::NotFoundError(StrCat("worker ", worker->name, " has begun anew as instance ",
                                    worker->instance_id, "; instance ", instance_id,
                                    " is over: register again"));
}

WorkerRecord RecordOf(const WorkerRegistered& event, const WorkerId& worker_id, bool drained,
                      absl::Time now) {
  return {.worker_id = worker_id,
          .name = event.name,
          .instance_id = event.instance_id,
          .state = StateOf(drained, /*leaving=*/false),
          .host = event.host,
          .slots = event.slots,
          .backends = event.backends,
          .build_id = event.build_id,
          .registered_at = now,
          .drained = drained,
          .last_seen_at = now,
          .present = true};
}

}  // namespace

absl::Status OnRegistered(Step& step, const WorkerRegistered& event) {
  step.decision.actor = StrCat("worker:", event.name);
  if (event.name.empty() || event.instance_id.empty() || event.slots < 0) {
    return absl::InvalidArgumentError(StrCat("a worker needs a name (is '", event.name,
                                             "'), an instance id (is '", event.instance_id,
                                             "') and slots >= 0 (is ", event.slots, ")"));
  }
  if (step.state.IsRetired(event.name, event.instance_id)) {
    return absl::AbortedError(StrCat("another process has registered as worker ", event.name,
                                     " since; this one is over (two workers need two names)"));
  }
  const WorkerRecord* old = step.state.FindWorkerByName(event.name);
  if (old != nullptr && old->instance_id != event.instance_id) {
    step.Emit(WorkerRegisteredUpdate{
        .worker = RecordOf(event, old->worker_id, old->drained, step.now), .announced_only = true});
    return absl::OkStatus();
  }
  const WorkerId worker_id = old == nullptr ? event.proposed_id : old->worker_id;
  const bool drained = old != nullptr && old->drained;
  step.Emit(WorkerRegisteredUpdate{.worker = RecordOf(event, worker_id, drained, step.now)});
  RefreshUnmetReasons(step);
  return absl::OkStatus();
}

absl::Status OnSynchronized(Step& step, const WorkerSynchronized& event) {
  const absl::Status known = KnowInstance(step, event.worker_id, event.instance_id);
  if (!known.ok()) return known;
  const WorkerRecord before = *step.state.FindWorker(event.worker_id);
  step.Emit(WorkerSeen{.worker_id = event.worker_id, .at = step.now, .leaving = event.draining});
  if (IsGone(step, event)) {
    ChangeState(step, event.worker_id, v1::WORKER_STATE_OFFLINE, "it has shut down");
  } else {
    ChangeState(step, event.worker_id, StateOf(before.drained, event.draining),
                event.draining   ? "it shuts down: it takes no new attempts"
                : before.drained ? kDrainedText
                                 : "it speaks again");
  }
  RenewLeasesOf(step, event);
  if (IsSilent(before, step.now)) step.room_may_have_changed = true;  // it was passed over
  if (!before.present || before.state != step.state.FindWorker(event.worker_id)->state) {
    step.room_may_have_changed = true;
    RefreshUnmetReasons(step);
  }
  return absl::OkStatus();
}

absl::Status OnLeft(Step& step, const WorkerLeft& event) {
  const absl::Status known = KnowInstance(step, event.worker_id, event.instance_id);
  if (!known.ok()) return known;
  const std::string name = step.state.FindWorker(event.worker_id)->name;
  const std::string why =
      StrCat("worker ", name, " left", event.reason.empty() ? "" : ": ", event.reason);
  ChangeState(step, event.worker_id, v1::WORKER_STATE_OFFLINE, why);
  LoseAttemptsOf(step, event.worker_id, why, /*worker_began_anew=*/false);
  RefreshUnmetReasons(step);
  return absl::OkStatus();
}

absl::Status OnDrain(Step& step, const DrainRequested& event) {
  step.decision.actor = event.actor;
  const WorkerRecord* worker = step.state.FindWorker(event.worker_id);
  if (worker == nullptr)
    return absl::NotFoundError(StrCat("worker ", event.worker_id.str(), " is not known"));
  if (IsRepeated(step, event.request_id) || worker->drained == !event.undo) return absl::OkStatus();
  step.Emit(WorkerDrainSet{.worker_id = event.worker_id, .drained = !event.undo, .at = step.now});
  if (worker->state != v1::WORKER_STATE_OFFLINE) {
    ChangeState(step, event.worker_id, StateOf(!event.undo, worker->leaving),
                event.undo ? "no longer drained" : kDrainedText);
  }
  RefreshUnmetReasons(step);
  return absl::OkStatus();
}

// Its leases are no longer than its silence, so nothing of it is alive by now.
void MarkSilentWorkersOffline(Step& step) {
  std::vector<WorkerId> silent;
  for (const auto& [id, worker] : step.state.workers()) {
    if (worker.state != v1::WORKER_STATE_OFFLINE && SilentAt(step.config, worker) <= step.now)
      silent.push_back(id);
  }
  for (const WorkerId& worker_id : silent) {
    ChangeState(step, worker_id, v1::WORKER_STATE_OFFLINE,
                StrCat("silent for ", absl::FormatDuration(step.config.lease)));
  }
  if (!silent.empty()) RefreshUnmetReasons(step);
}

}  // namespace shoal::scheduler
