#include "tests/simulation/simulation.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "tests/simulation/sim_worker.h"

namespace shoal::simulation {
namespace {

namespace s = scheduler;

constexpr absl::Duration kFaults = absl::Seconds(60);  // how long faults happen
constexpr absl::Duration kPeace =
    absl::Seconds(900);  // within which everything must then come to an end

class World {
 public:
  explicit World(const Options& options)
      : time_(options.seed, options.keep_trace),
        coordinator_(time_, store_, checker_, options.bug) {
    const int64_t others = time_.Between(1, 3);
    AddWorker("w0", 4, "a", options.bug);  // one on which every job fits
    for (int64_t i = 1; i <= others; ++i) {
      AddWorker(StrCat("w", i), static_cast<int32_t>(time_.Between(1, 4)),
                time_.Chance(0.7) ? "a" : "b", options.bug);
    }
  }

  Outcome Run() {
    coordinator_.Start();
    for (auto& worker : workers_) worker->Start();
    ScheduleClients();
    ScheduleFaults();
    time_.After(kFaults, [this] { Heal(); });
    const absl::Time end = Timeline::Start() + kFaults + kPeace;
    while (checker_.violation().empty() && !Done() && time_.Step(end)) {
      ++actions_;
      std::vector<std::pair<JobId, std::string>> executing;
      for (const auto& worker : workers_) worker->AddExecuting(executing);
      checker_.OneRunner(executing);
    }
    if (checker_.violation().empty()) CheckEnd();
    return MakeOutcome();
  }

 private:
  void AddWorker(const std::string& name, int32_t slots, const std::string& isa, Bug bug) {
    workers_.push_back(
        std::make_unique<SimWorker>(time_, coordinator_, specs_, name, slots, isa, bug));
  }

  SimWorker& AnyWorker() {
    return *workers_[static_cast<size_t>(time_.Between(0, std::ssize(workers_) - 1))];
  }

  bool Done() const {
    if (!peace_ || !waiting_.empty() || !asked_.empty()) return false;
    for (const auto& [id, job] : store_.jobs()) {
      if (!job.finished()) return false;
    }
    return true;
  }

  // --- clients

  struct Submit {
    std::string request_id{};
    int64_t runs = 1;
    int32_t slots = 1;
    SimJobSpec spec{};
  };

  void ScheduleClients() {
    const int64_t submits = time_.Between(2, 6);
    for (int64_t i = 0; i < submits; ++i) {
      Submit submit{.request_id = StrCat("request-", i), .runs = time_.Between(1, 3)};
      submit.slots = static_cast<int32_t>(time_.Chance(0.3) ? time_.Between(2, 4) : 1);
      submit.spec = {.total_steps = time_.Between(4, 40), .checkpoint_every = time_.Between(2, 9)};
      if (time_.Chance(0.3)) submit.spec.failure_chance = 0.05;
      waiting_.insert(submit.request_id);
      runs_of_request_[submit.request_id] = submit.runs;
      time_.After(time_.Millis(0, 40'000), [this, submit] { SubmitUntilAnswered(submit); });
    }
    for (int64_t i = time_.Between(0, 2); i > 0; --i)
      time_.After(time_.Millis(5'000, 55'000), [this] { CancelOne(); });
    for (int64_t i = time_.Between(0, 2); i > 0; --i)
      time_.After(time_.Millis(5'000, 55'000), [this] { ServeOne(); });
    for (int64_t i = time_.Between(0, 3); i > 0; --i)
      time_.After(time_.Millis(2'000, 55'000), [this] { PauseOne(); });
    for (int64_t i = time_.Between(0, 2); i > 0; --i)
      time_.After(time_.Millis(10'000, 65'000), [this] { RetryOne(); });
    for (int64_t i = time_.Between(0, 2); i > 0; --i)
      time_.After(time_.Millis(2'000, 55'000), [this] { DrainOne(); });
  }

  // Sent again until an answer came; then `done`. Everything ends only after that.
  void AskUntilAnswered(const std::string& id, const s::Event& event, std::function<void()> done) {
    waiting_.insert(id);
    Ask(id, event, std::move(done));
  }

  void Ask(const std::string& id, const s::Event& event, std::function<void()> done) {
    if (!waiting_.contains(id)) return;
    time_.After(time_.Millis(1, 40), [this, id, event, done] {
      coordinator_.Post(event, [this, id, done](const absl::Status& status) {
        if (!status.ok() || (!peace_ && time_.Chance(0.2))) return;  // refused, or lost
        if (waiting_.erase(id) > 0) done();
      });
    });
    time_.After(time_.Millis(1'000, 3'000), [this, id, event, done] { Ask(id, event, done); });
  }

  // Between the answer to a pause and the resume the job must not be given to anybody; but a pause
  // that found it ended concerns no retry that came before the answer.
  void PauseOne() {
    const s::JobRecord* job = AnyJob();
    if (job == nullptr || !asked_.insert(job->job_id.str()).second) return;
    const JobId job_id = job->job_id;
    const int64_t place = job->submit_order;  // a retry gives it another one
    const std::string id = StrCat("pause-", job_id.str(), "-", ++asks_);
    AskUntilAnswered(
        id, s::PauseRequested{.request_id = id, .actor = "user:ada", .job_ids = {job_id}},
        [this, job_id, place] {
          const s::JobRecord& now = store_.jobs().at(job_id);
          if (now.kind == v1::JOB_KIND_TRAIN && !now.finished() && now.stop == s::StopWish::kNone &&
              now.submit_order == place) {
            checker_.Hold(job_id);
            ++paused_;
          }
          time_.After(time_.Millis(500, 30'000), [this, job_id] { ResumeOne(job_id); });
        });
  }

  void ResumeOne(const JobId& job_id) {
    checker_.Release(job_id);
    const std::string id = StrCat("resume-", job_id.str(), "-", ++asks_);
    AskUntilAnswered(id,
                     s::ResumeRequested{.request_id = id, .actor = "user:ada", .job_ids = {job_id}},
                     [this, job_id] { asked_.erase(job_id.str()); });
  }

  // A job that has ended, when there is one; else any, which is then to be left alone.
  void RetryOne() {
    const s::JobRecord* job = AnyJob();
    if (job == nullptr) return;
    for (const auto& [job_id, row] : store_.jobs()) {
      if (row.state == v1::JOB_STATE_FAILED || row.state == v1::JOB_STATE_CANCELLED) job = &row;
    }
    const std::string id = StrCat("retry-", job->job_id.str(), "-", ++asks_);
    s::RetryRequested event{.request_id = id, .actor = "user:ada"};
    event.jobs.emplace_back().job.job_id = job->job_id;
    AskUntilAnswered(id, event, [] {});
  }

  void DrainOne() {
    const WorkerId worker_id =
        coordinator_.IdOf(StrCat("w", time_.Between(0, std::ssize(workers_) - 1)));
    if (worker_id.empty() || !asked_.insert(worker_id.str()).second) return;
    const std::string id = StrCat("drain-", worker_id.str(), "-", ++asks_);
    AskUntilAnswered(
        id, s::DrainRequested{.request_id = id, .actor = "user:ada", .worker_id = worker_id},
        [this, worker_id] {
          checker_.Hold(worker_id);
          ++drained_;
          time_.After(time_.Millis(500, 30'000), [this, worker_id] { EndDrain(worker_id); });
        });
  }

  void EndDrain(const WorkerId& worker_id) {
    checker_.Release(worker_id);
    const std::string id = StrCat("undrain-", worker_id.str(), "-", ++asks_);
    AskUntilAnswered(
        id,
        s::DrainRequested{
            .request_id = id, .actor = "user:ada", .worker_id = worker_id, .undo = true},
        [this, worker_id] { asked_.erase(worker_id.str()); });
  }

  // Sent again until an answer came, each time with new ids for the runs, as a server would make
  // them.
  void SubmitUntilAnswered(const Submit& submit) {
    if (!waiting_.contains(submit.request_id)) return;
    s::RunsSubmitted event{.request_id = submit.request_id, .actor = "user:ada"};
    for (int64_t i = 0; i < submit.runs; ++i) {
      s::NewRun added;
      added.run = {.run_id = RunId::Make(time_.now(), time_.NextU64()),
                   .name = StrCat(submit.request_id, ".", i)};
      added.job.job_id = JobId::Make(time_.now(), time_.NextU64());
      added.job.needs.slots = submit.slots;
      specs_[added.job.job_id] = submit.spec;
      event.runs.push_back(std::move(added));
    }
    const int copies = time_.Chance(0.2) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      s::RunsSubmitted sent = event;
      for (s::NewRun& added : sent.runs) {
        if (i > 0) Rename(added);
      }
      time_.After(time_.Millis(1, 40), [this, sent, id = submit.request_id] {
        coordinator_.Post(sent, [this, id](const absl::Status& status) {
          if (!status.ok() || (!peace_ && time_.Chance(0.2)))
            return;  // refused, or the answer is lost
          waiting_.erase(id);
          answered_.insert(id);
        });
      });
    }
    time_.After(time_.Millis(1'000, 3'000), [this, submit] { SubmitUntilAnswered(submit); });
  }

  void Rename(s::NewRun& added) {
    const SimJobSpec spec = specs_.at(added.job.job_id);
    added.run.run_id = RunId::Make(time_.now(), time_.NextU64());
    added.job.job_id = JobId::Make(time_.now(), time_.NextU64());
    specs_[added.job.job_id] = spec;
  }

  const s::JobRecord* AnyJob() {
    if (store_.jobs().empty()) return nullptr;
    auto it = store_.jobs().begin();
    std::advance(it, time_.Between(0, std::ssize(store_.jobs()) - 1));
    return &it->second;
  }

  void CancelOne() {
    const s::JobRecord* job = AnyJob();
    if (job == nullptr) return;
    coordinator_.Post(
        s::CancelRequested{.actor = "user:ada", .reason = "simulated", .job_ids = {job->job_id}},
        [](const absl::Status&) {});
  }

  void ServeOne() {
    const s::JobRecord* job = AnyJob();
    if (job == nullptr) return;
    s::ServeRequested event{.run = store_.RunOf(job->run_id), .actor = "user:ada"};
    event.job.job_id = JobId::Make(time_.now(), time_.NextU64());
    specs_[event.job.job_id] = {.total_steps = time_.Between(5, 30)};
    coordinator_.Post(event, [](const absl::Status&) {});
    time_.After(time_.Millis(1'000, 8'000), [this, job_id = event.job.job_id] {
      coordinator_.Post(s::ServeIdle{job_id}, [](const absl::Status&) {});
    });
  }

  // --- faults

  void ScheduleFaults() {
    for (int64_t i = time_.Between(2, 10); i > 0; --i) {
      time_.After(time_.Millis(500, 58'000), [this] { OneFault(); });
    }
  }

  void OneFault() {
    SimWorker& worker = AnyWorker();
    const int64_t kind = time_.Between(0, 10);
    if (kind <= 2) {
      worker.Crash();
    } else if (kind <= 4) {
      worker.Sleep(time_.Millis(500, 20'000));
    } else if (kind <= 6) {
      time_.Say("a worker is cut off");
      worker.CutOff(time_.Millis(500, 20'000));
    } else if (kind == 7) {
      worker.Drain();
    } else if (kind == 8) {
      time_.Say("a worker's messages slow down");
      const absl::Duration length = time_.Millis(2'000, 15'000);
      worker.SlowDown(length);
      if (time_.Chance(0.5))
        time_.After(length, [this, &worker] { worker.CutOff(time_.Millis(8'000, 20'000)); });
    } else {
      coordinator_.Crash();
    }
    Revive(time_.Millis(200, 14'000));
  }

  // Whoever is down by then starts again.
  void Revive(absl::Duration delay) {
    time_.After(delay, [this] {
      coordinator_.Start();
      for (auto& worker : workers_) worker->Start();
    });
  }

  void Heal() {
    time_.Say("faults stop");
    peace_ = true;
    coordinator_.set_faulty(false);
    for (auto& worker : workers_) {
      worker->set_faulty(false);
      worker->CutOff(absl::ZeroDuration());
      worker->SlowDown(absl::ZeroDuration());
    }
    for (int i = 0; i < 4; ++i)
      Revive(absl::Seconds(8 * i));  // a worker may still drain when faults stop
  }

  // --- the end

  void CheckEnd() {
    std::map<JobId, int64_t> totals{};
    for (const auto& [job_id, spec] : specs_) totals[job_id] = spec.total_steps;
    checker_.AtEnd(store_, totals);
    int64_t expected = 0;
    for (const auto& [id, runs] : runs_of_request_) {
      if (answered_.contains(id) && !store_.HasRequest(id))
        checker_.Violated("answered", id, " is not on disk");
      if (waiting_.contains(id)) checker_.Violated("ends", id, " was never answered");
      expected += runs;
    }
    int64_t found = 0;
    for (const auto& [id, job] : store_.jobs()) found += job.kind == v1::JOB_KIND_TRAIN ? 1 : 0;
    if (found != expected)
      checker_.Violated("answered", found, " runs on disk, ", expected, " were submitted");
  }

  Outcome MakeOutcome() const {
    Outcome outcome{.violation = checker_.violation(),
                    .trace_hash = time_.hash(),
                    .trace = time_.trace(),
                    .actions = actions_,
                    .commits = coordinator_.commits(),
                    .coordinator_starts = coordinator_.starts(),
                    .attempts = std::ssize(store_.attempts()),
                    .refused = store_.refused()};
    outcome.paused = paused_;
    outcome.drained = drained_;
    outcome.retried = store_.retried();
    for (const auto& [key, row] : store_.attempts())
      outcome.lost += row.record.state == v1::ATTEMPT_STATE_LOST ? 1 : 0;
    for (const auto& [id, job] : store_.jobs()) {
      outcome.succeeded += job.state == v1::JOB_STATE_SUCCEEDED ? 1 : 0;
      outcome.failed += job.state == v1::JOB_STATE_FAILED ? 1 : 0;
      outcome.cancelled += job.state == v1::JOB_STATE_CANCELLED ? 1 : 0;
    }
    return outcome;
  }

  Timeline time_;
  SimStore store_;
  Checker checker_;
  SimCoordinator coordinator_;
  std::map<JobId, SimJobSpec> specs_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  bool peace_ = false;
  int64_t actions_ = 0;
  std::map<std::string, int64_t> runs_of_request_;
  std::set<std::string> waiting_;  // not yet answered
  std::set<std::string> answered_;
  std::set<std::string> asked_;  // jobs and workers that are paused or drained, or about to be
  int64_t asks_ = 0;
  int64_t paused_ = 0;
  int64_t drained_ = 0;
};

}  // namespace

Outcome Run(const Options& options) { return World(options).Run(); }

}  // namespace shoal::simulation
