// A simulated worker: an agent that registers, synchronizes and reports, and its runners. It obeys
// its leases by its own clock. What it does wrong on purpose: it crashes (losing everything, or
// leaving its spool to be sent by the process after it), sleeps, is cut off, is slow, drains; its
// runners fail.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/sim_coordinator.h"

namespace shoal::simulation {

// What a runner needs to know of a job; the same for all its attempts.
struct SimJobSpec {
  int64_t total_steps = 0;  // SERVE: ends by itself after so many idle steps
  int64_t checkpoint_every = 5;
  double failure_chance = 0;  // per step, while faults happen
};

class SimWorker {
 public:
  SimWorker(Timeline& time, SimCoordinator& coordinator, const std::map<JobId, SimJobSpec>& specs,
            std::string name, int32_t slots, std::string isa, Bug bug);

  void Start();
  void Crash();
  void Sleep(absl::Duration length);
  void CutOff(absl::Duration length) { cut_off_until_ = time_.now() + length; }
  void SlowDown(absl::Duration length) { slow_until_ = time_.now() + length; }  // its messages
  void Drain();
  void set_faulty(bool faulty) { faulty_ = faulty; }
  bool up() const { return up_; }

  // Adds the job of each runner that executes right now.
  void AddExecuting(std::vector<std::pair<JobId, std::string>>& executing) const;

 private:
  struct Held {
    scheduler::AttemptKey key{};
    v1::JobKind kind = v1::JOB_KIND_TRAIN;
    int64_t step = 0;
    absl::Time deadline{};  // by this worker's own count
    bool running = true;    // the runner lives; false: only its report is still to be delivered
    bool cancelled = false;
    bool preempted = false;
    bool reporting = false;
    std::vector<SimItem> spool{};
    int64_t acknowledged = 0;
  };

  // Runs `action` later, unless this process is over by then; a sleeping one runs it when it wakes.
  void Later(absl::Duration delay, std::function<void()> action);
  // A message: may be lost, late, or come twice; never through a cut.
  void Send(std::function<void()> deliver, bool to_us);
  bool Cut() const { return time_.now() < cut_off_until_; }
  absl::Duration Latency();

  void Register();
  void SynchronizeNow();
  void OnSyncAnswer(uint64_t call, absl::Time sent, const SimSyncAnswer& answer);
  void StartAttempt(const SimAssignment& assignment, absl::Time deadline);
  void KeepLease(const scheduler::AttemptKey& key);
  void RunStep(const scheduler::AttemptKey& key);
  void SaveAndStop(Held& held);  // PREEMPTED, with a checkpoint when there is anything to save
  void FinishRunner(Held& held, v1::AttemptState state, v1::FailureClass failure);
  void ReportSoon(const scheduler::AttemptKey& key);
  void ReportNow(const scheduler::AttemptKey& key);
  void OnReportAnswer(const scheduler::AttemptKey& key, const SimReportAnswer& answer);
  void Drop(const scheduler::AttemptKey& key, const char* why);
  void LeaveIfDrained();
  SimReport ReportOf(const Held& held) const;

  Timeline& time_;
  SimCoordinator& coordinator_;
  const std::map<JobId, SimJobSpec>& specs_;
  const std::string name_;
  const int32_t slots_;
  const std::string isa_;
  const Bug bug_;

  bool faulty_ = true;
  bool up_ = false;
  bool draining_ = false;
  uint64_t life_ = 0;
  int instance_ = 0;
  absl::Time asleep_until_ = absl::InfinitePast();
  absl::Time cut_off_until_ = absl::InfinitePast();
  absl::Time slow_until_ = absl::InfinitePast();
  std::vector<std::function<void()>> on_wake_;
  WorkerId worker_id_;
  std::map<scheduler::AttemptKey, Held> held_;
  std::set<scheduler::AttemptKey> had_;
  uint64_t call_ = 0;                   // of Synchronize: only the newest one's answer counts
  std::vector<SimReport> left_behind_;  // the spool on disk of a crashed process
};

}  // namespace shoal::simulation
