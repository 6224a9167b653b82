#include "coordinator/loop/loop.h"

#include <algorithm>
#include <utility>

#include "coordinator/loop/worker_rows.h"
#include "coordinator/store/event_rows.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/run_rows.h"
#include "coordinator/store/scheduler_rows.h"
#include "coordinator/store/sweep_rows.h"
#include "coordinator/store/write_transaction.h"
#include "core/base/check.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::loop {
namespace {

constexpr size_t kLargestBatch = 256;
constexpr absl::Duration kLongestPause = absl::Seconds(1);
// Deadlines wait this long after a transaction that failed: on a full disk the next would fail too.
constexpr absl::Duration kPauseAfterFailure = absl::Seconds(1);

// The clock's tick: leases, backoffs and presences end.
class TickCommand final : public Command {
 public:
  absl::Status Execute(Step& step) override { return step.Decide(scheduler::Tick{}).status(); }
  void Finish(const absl::Status& committed, const View&) override {
    if (!committed.ok())
      LogError("a tick could not be committed", {"status", committed.ToString()});
  }
};

class StartedCommand final : public Command {
 public:
  absl::Status Execute(Step& step) override {
    return step.Decide(scheduler::CoordinatorStarted{}).status();
  }
  void Finish(const absl::Status& committed, const View&) override { result = committed; }
  absl::Status result;
};

// Trouble of the disk hits every command alike; no use in trying them one by one.
bool HitsAll(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status) ||
         absl::IsDataLoss(status);
}

}  // namespace

// The open transaction of a batch.
class LoopStep final : public Step {
 public:
  explicit LoopStep(Loop& loop, absl::Time now)
      : transaction(loop.store_.writer()), loop_(loop), now_(now) {}

  absl::StatusOr<scheduler::Decision> Decide(const scheduler::Event& event) override {
    decided = true;
    scheduler::Decision decision = loop_.draft_.Decide(event, now_);
    SHOAL_RETURN_IF_ERROR(transaction.Write(decision, now_));
    for (const scheduler::Update& update : decision.updates) {
      if (const auto* added = std::get_if<scheduler::JobAdded>(&update))
        new_jobs.emplace_back(added->job.job_id.str(), added->job.run_id.str());
    }
    for (const scheduler::Effect& effect : decision.effects) {
      effects.push_back(effect);
      if (const auto* run = std::get_if<scheduler::NotifyRun>(&effect))
        RunChanged(run->run_id.str());
    }
    return decision;
  }
  const scheduler::State& ahead() const override { return loop_.draft_.ahead(); }
  store::Database& reading() override { return loop_.store_.writer(); }
  absl::StatusOr<store::Database*> writing() override { return transaction.Open(); }
  store::ReportWriter& reports() override { return loop_.reports_; }
  absl::Status WriteEvent(v1::Event event) override {
    return transaction.WriteEvent(std::move(event), now_);
  }
  void RunChanged(const std::string& run_id) override {
    if (changed_runs.insert(run_id).second) publish_order.push_back(run_id);
  }
  void SweepChanged(v1::Sweep sweep, std::vector<store::SweepMember> members) override {
    changed_sweeps.push_back({std::move(sweep), std::move(members)});
  }
  void RemoveArtifact(const std::string& sha256) override { removed_artifacts.push_back(sha256); }
  absl::Time now() const override { return now_; }
  const Clock& clock() const override { return loop_.clock_; }

  absl::StatusOr<std::string> UniqueName(const std::string& base) override {
    int& hint = loop_.name_hints_[base];
    while (true) {
      std::string name = hint == 0 ? base : StrCat(base, ".", hint + 1);
      bool taken = false;
      SHOAL_RETURN_IF_ERROR(reading().ForEach(
          "SELECT 1 FROM run WHERE name = ?1 UNION ALL SELECT 1 FROM sweep WHERE name = ?1",
          [&](const store::Statement&) { taken = true; }, name));
      if (!taken) return name;
      ++hint;
    }
  }

  store::WriteTransaction transaction;
  bool decided = false;
  std::vector<scheduler::Effect> effects;
  std::set<std::string> changed_runs;
  std::vector<std::string> publish_order;  // the same: new runs are listed in order of creation
  struct ChangedSweep {
    v1::Sweep sweep;
    std::vector<store::SweepMember> members;
  };
  std::vector<ChangedSweep> changed_sweeps;
  std::vector<std::pair<std::string, std::string>> new_jobs;  // job id, run id
  std::vector<std::string> removed_artifacts;

 private:
  Loop& loop_;
  const absl::Time now_;
};

Loop::Loop(const Options& options, store::Store& store, const Clock& clock, scheduler::State state)
    : options_(options),
      store_(store),
      clock_(clock),
      started_wall_(clock.Now()),
      started_boot_(clock.Boottime()),
      queue_(options.queue_capacity),
      draft_(options.config, std::move(state)),
      reports_(store.writer()) {}

absl::StatusOr<std::unique_ptr<Loop>> Loop::Make(const Options& options, store::Store& store,
                                                 const Clock& clock) {
  SHOAL_ASSIGN_OR_RETURN(scheduler::StateImage image, store::LoadStateImage(store.writer()));
  std::unique_ptr<Loop> loop(new Loop(options, store, clock, scheduler::State(std::move(image))));
  SHOAL_ASSIGN_OR_RETURN(loop->last_event_id_, store::LastEventId(store.writer()));
  SHOAL_ASSIGN_OR_RETURN(std::vector<v1::Sweep> sweeps, store::LoadSweeps(store.writer()));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<store::SweepMember> members,
                         store::LoadMembers(store.writer(), ""));
  for (auto it = sweeps.rbegin(); it != sweeps.rend(); ++it) {
    loop->runs_.PutSweep(std::move(*it), {});
  }
  loop->runs_.PutMembers(members);
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> ids, store::LoadRunIds(store.writer()));
  for (const std::string& id : ids) {
    SHOAL_RETURN_IF_ERROR(loop->Publish({id}));
  }
  SHOAL_RETURN_IF_ERROR(
      store.writer().ForEach("SELECT job_id, run_id FROM job", [&](const store::Statement& row) {
        loop->runs_.PutJob(std::string(row.Text(0)), std::string(row.Text(1)));
      }));
  StartedCommand started;
  LoopStep step(*loop, loop->Now());
  SHOAL_RETURN_IF_ERROR(started.Execute(step));
  SHOAL_ASSIGN_OR_RETURN(const scheduler::CommittedUpdates committed, step.transaction.Commit());
  loop->draft_.Commit(committed);
  loop->AfterCommit(step);
  return loop;
}

Loop::~Loop() { Stop(); }

void Loop::Start(std::vector<Observer*> observers) {
  SHOAL_CHECK(!thread_.joinable());
  observers_ = std::move(observers);
  thread_ = std::jthread([this](std::stop_token stop) { Main(stop); });
}

void Loop::Stop() {
  queue_.Close();
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

absl::Status Loop::Post(std::unique_ptr<Command> command) {
  if (queue_.TryPush(std::move(command))) return absl::OkStatus();
  if (queue_.closed())
    return absl::UnavailableError("the coordinator is stopping; try again when it is back");
  return absl::ResourceExhaustedError(StrCat("the coordinator has ", queue_.capacity(),
                                             " requests waiting; try again in a moment"));
}

LabStatus Loop::Status() const {
  MutexLock lock(mutex_);
  return status_;
}

absl::Time Loop::Now() const { return started_wall_ + (clock_.Boottime() - started_boot_); }

View Loop::MakeView() {
  return {options_.config, draft_.committed(), runs_, store_.writer(), Now()};
}

void Loop::Main(std::stop_token stop) {
  while (true) {
    std::vector<std::unique_ptr<Command>> batch = queue_.PopBatch(kLargestBatch, UntilDeadline());
    if (batch.empty() && stop.stop_requested() && queue_.closed()) break;
    if (Now() >= NextTick()) {
      batch.push_back(std::make_unique<TickCommand>());
    }
    if (!batch.empty()) RunBatch(std::move(batch));
    if (draining_) WakeAll();
    WakeDueWaiters();
    const absl::Status status = store_.CheckpointIfDue();
    if (!status.ok())
      LogError("the database's log could not be copied", {"status", status.ToString()});
  }
  WakeAll();
}

void Loop::WakeAll() {
  while (!waiters_.empty()) WakeWaiter(waiters_.begin()->first);
}

absl::Time Loop::NextTick() const { return std::max(draft_.NextDeadline(), no_tick_before_); }

absl::Duration Loop::UntilDeadline() const {
  absl::Time deadline = NextTick();
  for (const auto& [id, waiter] : waiters_) deadline = std::min(deadline, waiter.deadline);
  return std::clamp(deadline - Now(), absl::Milliseconds(1), kLongestPause);
}

void Loop::RunBatch(std::vector<std::unique_ptr<Command>> batch) {
  while (!batch.empty()) {
    LoopStep step(*this, Now());
    size_t culprit = batch.size();
    const absl::Status status = TryBatch(batch, step, culprit);
    if (status.ok()) {
      AfterCommit(step);
      for (const std::unique_ptr<Command>& command : batch)
        command->Finish(absl::OkStatus(), MakeView());
      return;
    }
    LogError("a transaction failed, nothing of it is kept", {"commands", batch.size()},
             {"status", status.ToString()});
    step.transaction.RollBack();
    draft_.RollBack();
    reports_.Forget();
    no_tick_before_ = Now() + kPauseAfterFailure;
    if (culprit == batch.size()) {
      for (const std::unique_ptr<Command>& command : batch) command->Finish(status, MakeView());
      return;
    }
    batch[culprit]->Finish(status, MakeView());
    batch.erase(batch.begin() + static_cast<std::ptrdiff_t>(culprit));
  }
}

absl::Status Loop::TryBatch(const std::vector<std::unique_ptr<Command>>& batch, LoopStep& step,
                            size_t& culprit) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const absl::Status status = batch[i]->Execute(step);
    if (status.ok()) continue;
    if (!HitsAll(status)) culprit = i;
    return status;
  }
  SHOAL_ASSIGN_OR_RETURN(const scheduler::CommittedUpdates committed, step.transaction.Commit());
  draft_.Commit(committed);
  return absl::OkStatus();
}

void Loop::AfterCommit(LoopStep& step) {
  last_event_id_ = std::max(last_event_id_, step.transaction.last_event_id());
  PublishStatus();  // before the rows: who sees a row finds its events' number here
  const absl::Status published = Publish(step.publish_order);
  if (!published.ok()) LogError("runs could not be read back", {"status", published.ToString()});
  for (const auto& [job_id, run_id] : step.new_jobs) runs_.PutJob(job_id, run_id);
  for (LoopStep::ChangedSweep& changed : step.changed_sweeps) {
    runs_.PutSweep(std::move(changed.sweep), changed.members);
  }
  for (const std::string& sha256 : step.removed_artifacts) {
    const absl::StatusOr<Digest> digest = Digest::FromHex(sha256);
    if (digest.ok())
      store_.files().Remove(*digest).IgnoreError();  // a leftover goes at the next start
  }
  for (Observer* observer : observers_) observer->OnCommitted({step.changed_runs, last_event_id_});
  for (const scheduler::Effect& effect : step.effects) {
    if (const auto* wake = std::get_if<scheduler::WakeWorker>(&effect)) {
      WakeWaiter(wake->worker_id);
    } else if (const auto* ended = std::get_if<scheduler::ServeEnded>(&effect)) {
      const View view = MakeView();
      for (Observer* observer : observers_) observer->OnServeEnded(ended->key, ended->reason, view);
    }
  }
}

absl::Status Loop::Publish(const std::vector<std::string>& run_ids) {
  for (const std::string& run_id : run_ids) {
    SHOAL_ASSIGN_OR_RETURN(v1::Run run, store::LoadRun(store_.writer(), run_id));
    runs_.Put(std::move(run));
  }
  return absl::OkStatus();
}

void Loop::PublishStatus() {
  const scheduler::State& state = draft_.committed();
  LabStatus status;
  for (const auto& [id, record] : state.workers()) {
    const auto address = addresses_.find(id);
    const v1::Worker& worker = status.workers.emplace_back(
        DescribeWorker(state, record, address == addresses_.end() ? "" : address->second));
    status.slots_used += worker.slots_used();
    if (record.state == v1::WORKER_STATE_DRAINING && record.drained) ++status.drained_workers;
    if (record.state != v1::WORKER_STATE_READY || !record.present) continue;
    ++status.ready_workers;
    status.slots += record.slots;
  }
  status.queued_jobs = static_cast<int32_t>(state.queued_jobs());
  status.running_jobs = static_cast<int32_t>(state.running_jobs());
  status.refused_stale_reports = state.refused_stale_reports();
  status.last_event_id = last_event_id_;
  MutexLock lock(mutex_);
  status_ = std::move(status);
}

void Loop::Wait(Waiter waiter) {
  if (draining_) return waiter.answer(MakeView());
  const WorkerId worker_id = waiter.worker_id;
  WakeWaiter(worker_id);
  waiters_.emplace(worker_id, std::move(waiter));
}

void Loop::WakeWaiter(const WorkerId& worker_id) {
  auto node = waiters_.extract(worker_id);
  if (!node.empty()) node.mapped().answer(MakeView());
}

void Loop::WakeDueWaiters() {
  const absl::Time now = Now();
  std::vector<WorkerId> due;
  for (const auto& [id, waiter] : waiters_) {
    if (waiter.deadline <= now) due.push_back(id);
  }
  for (const WorkerId& id : due) WakeWaiter(id);
}

}  // namespace shoal::loop
