#include "tests/simulation/sim_worker.h"

namespace shoal::simulation {

namespace s = scheduler;

SimWorker::SimWorker(Timeline& time, SimCoordinator& coordinator,
                     const std::map<JobId, SimJobSpec>& specs, std::string name, int32_t slots,
                     std::string isa, Bug bug)
    : time_(time),
      coordinator_(coordinator),
      specs_(specs),
      name_(std::move(name)),
      slots_(slots),
      isa_(std::move(isa)),
      bug_(bug) {}

// --- the process

void SimWorker::Start() {
  if (up_) return;
  up_ = true;
  draining_ = false;
  asleep_until_ = absl::InfinitePast();
  on_wake_.clear();
  ++life_;
  ++instance_;
  time_.Say(name_, " starts, instance ", instance_);
  for (const SimReport& report : left_behind_) {
    Send([this, report] { coordinator_.Report(report, [](const SimReportAnswer&) {}); }, false);
  }
  left_behind_.clear();
  Register();
}

void SimWorker::Crash() {
  if (!up_) return;
  time_.Say(name_, " crashes");
  if (time_.Chance(0.5)) {
    for (const auto& [key, held] : held_) left_behind_.push_back(ReportOf(held));
  }
  up_ = false;
  ++life_;
  held_.clear();
  had_.clear();
  on_wake_.clear();
  asleep_until_ = absl::InfinitePast();
  worker_id_ = WorkerId();
}

void SimWorker::Sleep(absl::Duration length) {
  if (!up_ || asleep_until_ > time_.now()) return;
  time_.Say(name_, " sleeps for ", absl::FormatDuration(length));
  asleep_until_ = time_.now() + length;
  time_.After(length, [this, life = life_] {
    if (life != life_) return;
    time_.Say(name_, " wakes");
    // Before anything else: leases that ended meanwhile. The boot clock went on.
    std::vector<s::AttemptKey> keys;
    for (const auto& [key, held] : held_) keys.push_back(key);
    for (const s::AttemptKey& key : keys) KeepLease(key);
    const std::vector<std::function<void()>> missed = std::move(on_wake_);
    on_wake_.clear();
    for (const auto& action : missed) {
      if (life == life_) action();
    }
  });
}

void SimWorker::Drain() {
  if (!up_ || worker_id_.empty() || draining_ || asleep_until_ > time_.now()) return;
  time_.Say(name_, " drains");
  draining_ = true;
  for (auto& [key, held] : held_) {
    if (held.running) SaveAndStop(held);
  }
  LeaveIfDrained();
}

void SimWorker::LeaveIfDrained() {
  if (!draining_ || !held_.empty()) return;
  time_.Say(name_, " leaves");
  const s::WorkerLeft left{
      .worker_id = worker_id_, .instance_id = StrCat(name_, "#", instance_), .reason = "drained"};
  Send([this, left] { coordinator_.Post(left, [](const absl::Status&) {}); }, false);
  up_ = false;
  ++life_;
  had_.clear();
  worker_id_ = WorkerId();
}

void SimWorker::AddExecuting(std::vector<std::pair<JobId, std::string>>& executing) const {
  if (!up_ || asleep_until_ > time_.now()) return;
  for (const auto& [key, held] : held_) {
    if (held.running && held.deadline > time_.now()) executing.emplace_back(key.job_id, name_);
  }
}

void SimWorker::Later(absl::Duration delay, std::function<void()> action) {
  time_.After(delay, [this, life = life_, action = std::move(action)] {
    if (life != life_) return;
    if (asleep_until_ > time_.now()) {
      on_wake_.push_back(action);
    } else {
      action();
    }
  });
}

// --- the network

absl::Duration SimWorker::Latency() {
  if (time_.now() < slow_until_) return time_.Millis(200, 5000);
  return faulty_ && time_.Chance(0.05) ? time_.Millis(100, 6000) : time_.Millis(1, 40);
}

void SimWorker::Send(std::function<void()> deliver, bool to_us) {
  if (Cut() || (faulty_ && time_.Chance(0.04))) return;
  const int copies = faulty_ && time_.Chance(0.04) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    auto arrive = [this, deliver, connection = coordinator_.starts()] {
      if (!Cut() && connection == coordinator_.starts())
        deliver();  // connections die with the coordinator
    };
    if (to_us) {
      Later(Latency(), arrive);
    } else {
      time_.After(Latency(),
                  arrive);  // what was sent arrives even if the sender has died meanwhile
    }
  }
}

// --- the agent

void SimWorker::Register() {
  if (!worker_id_.empty()) return;
  s::WorkerRegistered event{.proposed_id = WorkerId::Make(time_.now(), time_.NextU64()),
                            .name = name_,
                            .instance_id = StrCat(name_, "#", instance_),
                            .slots = slots_};
  event.host.set_isa(isa_);
  v1::BackendInfo backend;
  backend.set_name("onednn");
  backend.set_available(true);
  event.backends.push_back(backend);
  Send(
      [this, event, life = life_] {
        coordinator_.Post(event, [this, life](const absl::Status& status) {
          const WorkerId worker_id = coordinator_.IdOf(name_);
          if (life != life_ || !status.ok()) return;
          Send(
              [this, worker_id] {
                if (!worker_id_.empty() || worker_id.empty()) return;
                worker_id_ = worker_id;
                SynchronizeNow();
              },
              true);
        });
      },
      false);
  Later(absl::Seconds(2), [this] { Register(); });  // until an answer came
}

void SimWorker::SynchronizeNow() {
  if (worker_id_.empty()) return;
  const uint64_t call = ++call_;
  SimSyncRequest request{.worker_id = worker_id_,
                         .instance_id = StrCat(name_, "#", instance_),
                         .draining = draining_,
                         .max_wait = time_.Millis(500, 3000)};
  for (const auto& [key, held] : held_) request.held.push_back({.key = key, .step = held.step});
  const absl::Time sent = time_.now();
  Send(
      [this, request, call, sent, life = life_] {
        coordinator_.Synchronize(request, [this, call, sent, life](const SimSyncAnswer& answer) {
          if (life == life_)
            Send([this, call, sent, answer] { OnSyncAnswer(call, sent, answer); }, true);
        });
      },
      false);
  Later(absl::Milliseconds(5000), [this, call] {
    if (call == call_) SynchronizeNow();  // no answer came
  });
}

void SimWorker::OnSyncAnswer(uint64_t call, absl::Time sent, const SimSyncAnswer& answer) {
  if (call != call_) return;
  ++call_;
  if (!answer.status.ok()) {
    if (absl::IsNotFound(answer.status)) {
      worker_id_ = WorkerId();
      Register();
    } else {
      Later(absl::Milliseconds(500), [this] { SynchronizeNow(); });
    }
    return;
  }
  const absl::Time from = bug_ == Bug::kCountFromReceipt ? time_.now() : sent;
  for (const s::AttemptKey& key : answer.renewed) {
    const auto it = held_.find(key);
    if (it == held_.end()) continue;
    it->second.deadline = std::max(it->second.deadline, from + answer.lease);
    Later(it->second.deadline - time_.now(), [this, key] { KeepLease(key); });
  }
  for (const s::Stop& stop : answer.stop) {
    const auto it = held_.find(stop.key);
    if (it == held_.end()) continue;
    if (stop.kind == s::Stop::Kind::kKill) {
      Drop(stop.key, "was told to kill");
    } else if (stop.kind == s::Stop::Kind::kPreempt) {
      it->second.preempted = true;
    } else {
      it->second.cancelled = true;
    }
  }
  for (const SimAssignment& assignment : answer.start)
    StartAttempt(assignment, from + answer.lease);
  Later(time_.Millis(100, 600), [this] { SynchronizeNow(); });
}

void SimWorker::StartAttempt(const SimAssignment& assignment, absl::Time deadline) {
  if (deadline <= time_.now() || held_.contains(assignment.key) || had_.contains(assignment.key))
    return;
  if (draining_) return;
  time_.Say(name_, " runs ", assignment.key.job_id.str(), "/", assignment.key.attempt_number,
            " from step ", assignment.resume_step);
  Held held{.key = assignment.key,
            .kind = assignment.kind,
            .step = assignment.resume_step,
            .deadline = deadline};
  held.spool.push_back(
      {.kind = SimItem::Kind::kStarted, .step = assignment.resume_step, .isa = isa_});
  had_.insert(held.key);
  held_.emplace(held.key, std::move(held));
  const s::AttemptKey key = assignment.key;
  Later(deadline - time_.now(), [this, key] { KeepLease(key); });
  Later(time_.Millis(50, 300), [this, key] { RunStep(key); });
  ReportSoon(key);
}

// The worker's own end of the lease: the runner is killed, whatever the coordinator may think.
void SimWorker::KeepLease(const s::AttemptKey& key) {
  const auto it = held_.find(key);
  if (it != held_.end() && it->second.deadline <= time_.now()) Drop(key, "lets its lease end:");
}

void SimWorker::Drop(const s::AttemptKey& key, const char* why) {
  time_.Say(name_, " ", why, " ", key.job_id.str(), "/", key.attempt_number);
  held_.erase(key);
  LeaveIfDrained();
}

// --- the runner

void SimWorker::RunStep(const s::AttemptKey& key) {
  const auto it = held_.find(key);
  if (it == held_.end() || !it->second.running) return;
  Held& held = it->second;
  const SimJobSpec& spec = specs_.at(key.job_id);
  if (held.cancelled) {
    FinishRunner(held, v1::ATTEMPT_STATE_CANCELLED, v1::FAILURE_CLASS_UNSPECIFIED);
    return;
  }
  if (held.preempted) {
    SaveAndStop(held);
    return;
  }
  if (faulty_ && time_.Chance(spec.failure_chance)) {
    const v1::FailureClass failure = static_cast<v1::FailureClass>(time_.Between(1, 7));
    FinishRunner(held, v1::ATTEMPT_STATE_FAILED, failure);
    return;
  }
  ++held.step;
  if (held.kind == v1::JOB_KIND_TRAIN) {
    held.spool.push_back({.kind = SimItem::Kind::kPoint, .step = held.step});
    if (held.step % spec.checkpoint_every == 0) {
      held.spool.push_back({.kind = SimItem::Kind::kCheckpoint, .step = held.step});
    }
  }
  if (held.step >= spec.total_steps) {
    FinishRunner(held, v1::ATTEMPT_STATE_SUCCEEDED, v1::FAILURE_CLASS_UNSPECIFIED);
    return;
  }
  Later(time_.Millis(50, 500), [this, key] { RunStep(key); });
}

void SimWorker::SaveAndStop(Held& held) {
  if (held.kind == v1::JOB_KIND_TRAIN && held.step > 0)
    held.spool.push_back({.kind = SimItem::Kind::kCheckpoint, .step = held.step});
  FinishRunner(held, v1::ATTEMPT_STATE_PREEMPTED, v1::FAILURE_CLASS_UNSPECIFIED);
}

void SimWorker::FinishRunner(Held& held, v1::AttemptState state, v1::FailureClass failure) {
  held.running = false;
  held.spool.push_back(
      {.kind = SimItem::Kind::kFinished,
       .step = held.step,
       .finished = {.state = state, .failure_class = failure, .message = "simulated"}});
}

SimReport SimWorker::ReportOf(const Held& held) const {
  SimReport report{.worker_id = worker_id_,
                   .instance_id = StrCat(name_, "#", instance_),
                   .key = held.key,
                   .first_sequence = held.acknowledged + 1};
  report.items.assign(held.spool.begin() + held.acknowledged, held.spool.end());
  return report;
}

void SimWorker::ReportSoon(const s::AttemptKey& key) {
  Later(time_.Millis(200, 700), [this, key] { ReportNow(key); });
}

void SimWorker::ReportNow(const s::AttemptKey& key) {
  const auto it = held_.find(key);
  if (it == held_.end()) return;
  const SimReport report = ReportOf(it->second);
  if (!report.items.empty() && !worker_id_.empty()) {
    Send(
        [this, report, life = life_] {
          coordinator_.Report(report,
                              [this, life, key = report.key](const SimReportAnswer& answer) {
                                if (life == life_)
                                  Send([this, key, answer] { OnReportAnswer(key, answer); }, true);
                              });
        },
        false);
  }
  ReportSoon(key);
}

void SimWorker::OnReportAnswer(const s::AttemptKey& key, const SimReportAnswer& answer) {
  const auto it = held_.find(key);
  if (it == held_.end()) return;
  if (absl::IsAborted(answer.status)) {
    Drop(key, "was told that it is stale:");
    return;
  }
  Held& held = it->second;
  held.acknowledged = std::max(held.acknowledged, answer.acknowledged);
  if (held.running || held.acknowledged < static_cast<int64_t>(held.spool.size())) return;
  held_.erase(it);
  LeaveIfDrained();
}

}  // namespace shoal::simulation
