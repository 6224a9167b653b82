// The coordinator's loop in virtual time: a bounded batch of events, one transaction, effects,
// answers; and its crashes.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/scheduler/decide.h"
#include "tests/simulation/checker.h"
#include "tests/simulation/sim_store.h"
#include "tests/simulation/simulation.h"
#include "tests/simulation/timeline.h"

namespace shoal::simulation {

struct SimSyncRequest {
  WorkerId worker_id{};
  std::string instance_id{};
  std::vector<scheduler::HeldAttempt> held{};
  bool draining = false;
  absl::Duration max_wait{};
};
struct SimAssignment {
  scheduler::AttemptKey key{};
  v1::JobKind kind = v1::JOB_KIND_TRAIN;
  int64_t resume_step = 0;
};
struct SimSyncAnswer {
  absl::Status status{};
  std::vector<SimAssignment> start{};
  std::vector<scheduler::Stop> stop{};
  std::vector<scheduler::AttemptKey> renewed{};
  absl::Duration lease{};
};
struct SimReportAnswer {
  absl::Status status{};
  int64_t acknowledged = 0;
};

class SimCoordinator {
 public:
  using Answer = std::function<void(const absl::Status&)>;

  SimCoordinator(Timeline& time, SimStore& store, Checker& checker, Bug bug);

  // A request is lost when the coordinator is down, or goes down before its commit; then no answer
  // is given.
  void Post(scheduler::Event event, Answer answer);
  void Synchronize(const SimSyncRequest& request, std::function<void(const SimSyncAnswer&)> answer);
  void Report(const SimReport& report, std::function<void(const SimReportAnswer&)> answer);
  // The id under which a name is registered, as the answer of a committed registration says it.
  WorkerId IdOf(const std::string& worker_name) const;

  void Start();
  void Crash();
  bool up() const { return draft_ != nullptr; }
  void set_faulty(bool faulty) { faulty_ = faulty; }
  absl::Duration told_lease() const;
  int64_t commits() const { return commits_; }
  int64_t starts() const { return starts_; }

 private:
  struct Request {
    scheduler::Event event{};
    const SimReport* report = nullptr;  // kept alive by `finish`
    std::function<void(const scheduler::Decision&)> finish{};
  };
  struct Batch {
    std::vector<Request> requests{};
    std::vector<scheduler::Decision> decisions{};
    std::vector<scheduler::Update> updates{};
    std::vector<SimReport> accepted{};
    std::map<scheduler::AttemptKey, int64_t> high_water{};  // as it will be after the commit
  };
  struct Parked {
    SimSyncRequest request{};
    std::function<void(const SimSyncAnswer&)> answer{};
    uint64_t number = 0;
  };

  void Enqueue(Request request);
  void ProcessBatch();
  void DecideOne(Batch& batch, Request request);
  void ReadEnded(const Batch& batch, scheduler::RetryRequested& retry) const;
  bool CommitBatch(Batch& batch);
  void Refuse(Batch& batch);
  void FinishBatch(Batch& batch);
  void Continue();
  void ScheduleTick();
  void AnswerOrPark(const SimSyncRequest& request,
                    std::function<void(const SimSyncAnswer&)> answer);
  void AnswerParked(const WorkerId& worker_id);
  SimSyncAnswer MakeAnswer(const SimSyncRequest& request) const;

  Timeline& time_;
  SimStore& store_;
  Checker& checker_;
  const Bug bug_;
  bool faulty_ = true;
  std::unique_ptr<scheduler::Draft> draft_;  // null: down
  uint64_t life_ = 0;  // grows with every start and crash; actions of older lives do nothing
  std::deque<Request> inbox_;
  bool processing_ = false;
  std::map<WorkerId, Parked> parked_;
  uint64_t next_parked_ = 0;
  absl::Time tick_at_ = absl::InfiniteFuture();
  int64_t commits_ = 0;
  int64_t starts_ = 0;
  uint64_t forged_ = 0;
};

}  // namespace shoal::simulation
