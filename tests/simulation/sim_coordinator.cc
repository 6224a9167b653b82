#include "tests/simulation/sim_coordinator.h"

#include <algorithm>
#include <memory>
#include <type_traits>

#include "tests/simulation/commit_double.h"

namespace shoal::simulation {

namespace s = scheduler;

namespace {

constexpr int64_t kLargestBatch = 6;

s::Config ConfigFor(Bug bug) {
  s::Config config;
  config.lease = bug == Bug::kShortLease ? absl::Seconds(6) : absl::Seconds(10);
  config.lease_grace = absl::Seconds(1);
  config.retry_backoff = absl::Seconds(1);
  config.retry_backoff_max = absl::Seconds(8);
  return config;
}

// The event that a report is to the scheduler: its items above the high-water mark.
s::AttemptReported EventOf(const SimReport& report, int64_t high_water) {
  s::AttemptReported event{
      .worker_id = report.worker_id, .instance_id = report.instance_id, .key = report.key};
  int64_t sequence = report.first_sequence;
  for (const SimItem& item : report.items) {
    if (sequence++ <= high_water) continue;
    if (item.kind == SimItem::Kind::kStarted) {
      v1::NumericsClass numerics;
      numerics.set_backend("onednn");
      numerics.set_isa(item.isa);
      event.started = s::StartedItem{.numerics = numerics, .resumed_from_step = item.step};
    }
    if (item.kind == SimItem::Kind::kCheckpoint) event.checkpoints.push_back({.step = item.step});
    if (item.kind == SimItem::Kind::kFinished) event.finished = item.finished;
  }
  return event;
}

}  // namespace

SimCoordinator::SimCoordinator(Timeline& time, SimStore& store, Checker& checker, Bug bug)
    : time_(time), store_(store), checker_(checker), bug_(bug) {}

absl::Duration SimCoordinator::told_lease() const { return absl::Seconds(10); }

void SimCoordinator::Start() {
  if (up()) return;
  ++life_;
  ++starts_;
  draft_ = std::make_unique<s::Draft>(ConfigFor(bug_), s::State(store_.ReadImage()));
  time_.Say("coordinator starts");
  tick_at_ = absl::InfiniteFuture();
  if (bug_ != Bug::kNoLeaseAtStart) Post(s::CoordinatorStarted{}, [](const absl::Status&) {});
}

void SimCoordinator::Crash() {
  if (!up()) return;
  ++life_;
  time_.Say("coordinator crashes");
  draft_.reset();
  inbox_.clear();
  parked_.clear();
  processing_ = false;
}

WorkerId SimCoordinator::IdOf(const std::string& worker_name) const {
  const s::WorkerRecord* worker =
      up() ? draft_->committed().FindWorkerByName(worker_name) : nullptr;
  return worker == nullptr ? WorkerId() : worker->worker_id;
}

void SimCoordinator::Post(s::Event event, Answer answer) {
  if (auto* submit = std::get_if<s::RunsSubmitted>(&event);
      submit != nullptr && bug_ == Bug::kForgetRequestIds) {
    submit->request_id += StrCat("#", ++forged_);
  }
  const bool forgotten =
      (bug_ == Bug::kForgetPause && std::holds_alternative<s::PauseRequested>(event)) ||
      (bug_ == Bug::kForgetResume && std::holds_alternative<s::ResumeRequested>(event)) ||
      (bug_ == Bug::kForgetDrain && std::holds_alternative<s::DrainRequested>(event));
  if (forgotten) event = s::Tick{};
  const bool early =
      bug_ == Bug::kAnswerBeforeCommit && std::holds_alternative<s::RunsSubmitted>(event);
  if (early && up()) answer(absl::OkStatus());
  Enqueue({.event = std::move(event), .finish = [answer, early](const s::Decision& decision) {
             if (!early) answer(decision.answer);
           }});
}

void SimCoordinator::Synchronize(const SimSyncRequest& request,
                                 std::function<void(const SimSyncAnswer&)> answer) {
  s::WorkerSynchronized event{.worker_id = request.worker_id,
                              .instance_id = request.instance_id,
                              .held = request.held,
                              .draining = request.draining};
  Enqueue(
      {.event = std::move(event), .finish = [this, request, answer](const s::Decision& decision) {
         if (!decision.answer.ok()) {
           answer({.status = decision.answer});
         } else {
           AnswerOrPark(request, answer);
         }
       }});
}

void SimCoordinator::Report(const SimReport& report,
                            std::function<void(const SimReportAnswer&)> answer) {
  auto kept = std::make_shared<SimReport>(report);
  Enqueue({.event = s::Tick{},
           .report = kept.get(),
           .finish = [this, kept, answer](const s::Decision& decision) {
             answer({.status = decision.answer, .acknowledged = store_.HighWater(kept->key)});
           }});
}

void SimCoordinator::Enqueue(Request request) {
  if (!up()) return;
  inbox_.push_back(std::move(request));
  if (processing_) return;
  processing_ = true;
  time_.After(time_.Millis(1, 4), [this, life = life_] {
    if (life == life_) ProcessBatch();
  });
}

void SimCoordinator::ProcessBatch() {
  Batch batch;
  const int64_t size = time_.Between(1, kLargestBatch);
  while (!inbox_.empty() && static_cast<int64_t>(batch.requests.size()) < size) {
    Request request = std::move(inbox_.front());
    inbox_.pop_front();
    DecideOne(batch, std::move(request));
  }
  if (!CommitBatch(batch)) return;
  FinishBatch(batch);
  Continue();
}

void SimCoordinator::Continue() {
  ScheduleTick();
  processing_ = !inbox_.empty();
  if (!processing_) return;
  time_.After(time_.Millis(1, 4), [this, life = life_] {
    if (life == life_) ProcessBatch();
  });
}

// The rows of the jobs to be retried, as they are inside the open transaction.
void SimCoordinator::ReadEnded(const Batch& batch, s::RetryRequested& retry) const {
  for (s::EndedJob& ended : retry.jobs) {
    ended.job = store_.jobs().at(ended.job.job_id);
    for (const s::Update& update : batch.updates) {
      const auto* changed = std::get_if<s::JobChanged>(&update);
      if (changed != nullptr && changed->job.job_id == ended.job.job_id) ended.job = changed->job;
    }
    ended.run = store_.RunOf(ended.job.run_id);
    if (bug_ == Bug::kRetryCountsAnew) ended.job.attempt_count = 0;
  }
}

void SimCoordinator::DecideOne(Batch& batch, Request request) {
  s::Decision decision;
  if (request.report != nullptr) {
    const SimReport& report = *request.report;
    const auto known = batch.high_water.find(report.key);
    const int64_t high_water =
        known == batch.high_water.end() ? store_.HighWater(report.key) : known->second;
    const int64_t last = report.first_sequence + static_cast<int64_t>(report.items.size()) - 1;
    if (report.first_sequence <= high_water + 1 &&
        last > high_water) {  // no gap, and something new
      request.event = EventOf(report, high_water);
      decision = draft_->Decide(request.event, time_.now());
      if (decision.answer.ok() || (bug_ == Bug::kIgnoreFence && absl::IsAborted(decision.answer))) {
        batch.accepted.push_back(report);
        batch.high_water[report.key] = last;
      }
    }
  } else {
    if (auto* retry = std::get_if<s::RetryRequested>(&request.event)) ReadEnded(batch, *retry);
    decision = draft_->Decide(request.event, time_.now());
  }
  time_.Say(s::ToString(request.event),
            decision.answer.ok() ? "" : StrCat(" => ", decision.answer.message()));
  for (const s::Update& update : decision.updates) {
    if (s::IsDurable(update)) time_.Say("    ", s::ToString(update));
    batch.updates.push_back(update);
  }
  batch.requests.push_back(std::move(request));
  batch.decisions.push_back(std::move(decision));
}

// False when the batch came to nothing: the coordinator crashed at one of the two instants that
// matter, or the disk refused.
bool SimCoordinator::CommitBatch(Batch& batch) {
  if (faulty_ && time_.Chance(0.004)) {
    time_.Say("before a commit:");
    Crash();
    return false;
  }
  const bool durable = std::any_of(batch.updates.begin(), batch.updates.end(), s::IsDurable) ||
                       !batch.accepted.empty();
  if (faulty_ && durable && time_.Chance(0.02)) {
    Refuse(batch);
    return false;
  }
  ++commits_;
  checker_.BeforeCommit(store_, batch.updates, batch.accepted);
  std::vector<s::Update> written = batch.updates;
  if (bug_ == Bug::kForgetUpdate && time_.Chance(0.01) && !written.empty()) written.pop_back();
  store_.Commit(written, batch.accepted);
  if (faulty_ && time_.Chance(0.004)) {
    time_.Say("after a commit, before the answers:");
    Crash();
    return false;
  }
  draft_->Commit(s::CommitDouble::Of(batch.updates));
  checker_.AfterCommit(store_, *draft_, batch.updates);
  return true;
}

// A full disk. A start that cannot be committed ends the process.
void SimCoordinator::Refuse(Batch& batch) {
  time_.Say("the disk refuses a commit");
  for (const Request& request : batch.requests) {
    if (std::holds_alternative<s::CoordinatorStarted>(request.event)) return Crash();
  }
  draft_->RollBack();
  for (const Request& request : batch.requests) {
    request.finish({.answer = absl::UnavailableError("the disk is full")});
  }
  Continue();
}

void SimCoordinator::FinishBatch(Batch& batch) {
  for (size_t i = 0; i < batch.requests.size(); ++i) {
    for (const s::Effect& effect : batch.decisions[i].effects) {
      if (const auto* wake = std::get_if<s::WakeWorker>(&effect)) AnswerParked(wake->worker_id);
    }
    batch.requests[i].finish(batch.decisions[i]);
  }
}

void SimCoordinator::ScheduleTick() {
  const absl::Time next = std::max(draft_->NextDeadline(), time_.now() + absl::Milliseconds(1));
  if (next >= tick_at_ && tick_at_ > time_.now()) return;
  tick_at_ = next;
  if (next == absl::InfiniteFuture()) return;
  time_.At(next, [this, next, life = life_] {
    if (life != life_ || tick_at_ != next) return;
    tick_at_ = absl::InfiniteFuture();
    Post(s::Tick{}, [](const absl::Status&) {});
  });
}

void SimCoordinator::AnswerOrPark(const SimSyncRequest& request,
                                  std::function<void(const SimSyncAnswer&)> answer) {
  AnswerParked(request.worker_id);  // an older call of the same worker is given up
  const SimSyncAnswer now = MakeAnswer(request);
  if (!now.start.empty() || !now.stop.empty()) {
    answer(now);
    return;
  }
  const uint64_t number = ++next_parked_;
  parked_[request.worker_id] = {.request = request, .answer = std::move(answer), .number = number};
  time_.After(request.max_wait, [this, number, worker_id = request.worker_id, life = life_] {
    const auto it = parked_.find(worker_id);
    if (life == life_ && it != parked_.end() && it->second.number == number)
      AnswerParked(worker_id);
  });
}

void SimCoordinator::AnswerParked(const WorkerId& worker_id) {
  const auto it = parked_.find(worker_id);
  if (it == parked_.end()) return;
  const Parked parked = std::move(it->second);
  parked_.erase(it);
  parked.answer(MakeAnswer(parked.request));
}

SimSyncAnswer SimCoordinator::MakeAnswer(const SimSyncRequest& request) const {
  const s::State& state = draft_->committed();
  const s::Desired desired =
      s::DesiredFor(state, request.worker_id, request.instance_id, request.held);
  SimSyncAnswer answer{.stop = desired.stop, .renewed = desired.renewed, .lease = told_lease()};
  for (const s::AttemptKey& key : desired.start) {
    const s::JobRecord& job = *state.FindJob(key.job_id);
    answer.start.push_back(
        {.key = key, .kind = job.kind, .resume_step = store_.ResumeStep(key.job_id)});
  }
  return answer;
}

}  // namespace shoal::simulation
