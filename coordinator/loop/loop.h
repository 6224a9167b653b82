// The coordinator's one deciding thread. It takes commands from a bounded queue, lets the scheduler
// decide, commits the updates of a whole batch in one SQLite transaction, and only then changes
// memory, answers, and wakes whoever waits.
//
//   Post -> queue -> batch: Execute, Execute, ... -> COMMIT -> memory -> published rows -> Finish,
//   Finish, ...
//                                                      \ failed: memory untouched, everyone is told
//                                                      why
//
// One fsync per batch, not per command: under load batches grow, so throughput does too.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/loop/command.h"
#include "coordinator/loop/runs_table.h"
#include "coordinator/scheduler/decide.h"
#include "coordinator/store/store.h"
#include "core/base/bounded_queue.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "shoal/v1/run.pb.h"

namespace shoal::loop {

class LoopStep;

// What the last batch changed, for those who show it.
struct Committed {
  const std::set<std::string>& run_ids;
  int64_t last_event_id = 0;  // newest event of the lab
};

// Told by the loop thread after each commit; must not wait. Implementations are thread-safe in
// their own way.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void OnCommitted(const Committed& committed) = 0;
  virtual void OnServeEnded(const scheduler::AttemptKey& key, const std::string& reason,
                            const View& view) = 0;
};

// The lab in numbers, as of the last commit.
struct LabStatus {
  int32_t ready_workers = 0;
  int32_t drained_workers = 0;  // there, and somebody wants them to take no new job
  int32_t slots = 0;
  int32_t slots_used = 0;
  int32_t queued_jobs = 0;
  int32_t running_jobs = 0;
  int64_t refused_stale_reports = 0;
  int64_t last_event_id = 0;
  std::vector<v1::Worker> workers;
};

// Someone who waits for a worker to have something to do (a long poll).
struct Waiter {
  WorkerId worker_id;
  absl::Time deadline;
  std::function<void(const View& view)> answer;  // called once, on the loop thread
};

// Thread-safe; what its thread does is private.
class Loop {
 public:
  struct Options {
    scheduler::Config config;
    size_t queue_capacity = 4096;
  };

  // Rebuilds state and runs table from the store, and decides CoordinatorStarted. `store`, `clock`
  // and `observers` must outlive the loop. Errors: the database's.
  static absl::StatusOr<std::unique_ptr<Loop>> Make(const Options& options, store::Store& store,
                                                    const Clock& clock);
  ~Loop();  // Stop()
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Starts the thread. Once.
  void Start(std::vector<Observer*> observers);
  // From now on nobody is kept waiting (long polls are answered at once); all else goes on.
  void Drain() { draining_ = true; }
  // Works off what is queued, answers those who wait, ends the thread. Idempotent.
  void Stop();

  // Errors: ResourceExhausted (the queue is full), Unavailable (stopping); the command is then
  // dropped unanswered.
  absl::Status Post(std::unique_ptr<Command> command);

  const RunsTable& runs() const { return runs_; }
  LabStatus Status() const;
  absl::Time Now() const;  // the scheduler's steady time

  // Loop thread only: answers `waiter` when its worker is woken, or at its deadline. One waiter a
  // worker: an older one is answered at once.
  void Wait(Waiter waiter);

  // Loop thread only: where a worker was heard from, for those who list workers.
  void HeardFrom(const WorkerId& worker_id, std::string address) {
    addresses_[worker_id] = std::move(address);
  }

 private:
  friend class LoopStep;

  Loop(const Options& options, store::Store& store, const Clock& clock, scheduler::State state);
  absl::Status Publish(const std::vector<std::string>& run_ids);
  void PublishStatus();
  void Main(std::stop_token stop);
  absl::Duration UntilDeadline() const;
  void RunBatch(std::vector<std::unique_ptr<Command>> batch);
  // Executes all and commits. On a failure, `culprit` is the command whose own writing failed, or
  // npos for all.
  absl::Status TryBatch(const std::vector<std::unique_ptr<Command>>& batch, LoopStep& step,
                        size_t& culprit);
  void AfterCommit(LoopStep& step);
  void WakeDueWaiters();
  void WakeAll();
  void WakeWaiter(const WorkerId& worker_id);
  View MakeView();
  // When deadlines of leases, delays and the like are looked at next.
  absl::Time NextTick() const;

  // Constant after construction.
  const Options options_;
  store::Store& store_;
  const Clock& clock_;
  const absl::Time started_wall_;
  const absl::Duration started_boot_;
  std::vector<Observer*> observers_;

  // Own synchronisation.
  BoundedQueue<std::unique_ptr<Command>> queue_;
  RunsTable runs_;
  std::atomic<bool> draining_ = false;

  // Loop thread only.
  scheduler::Draft draft_;
  store::ReportWriter reports_;
  std::map<WorkerId, Waiter> waiters_;
  std::map<WorkerId, std::string> addresses_;
  absl::flat_hash_map<std::string, int> name_hints_;  // base -> smallest suffix that may be free
  int64_t last_event_id_ = 0;
  absl::Time no_tick_before_ = absl::InfinitePast();

  mutable Mutex mutex_;
  LabStatus status_ SHOAL_GUARDED_BY(mutex_);

  std::jthread thread_;  // last: ends before what it uses
};

}  // namespace shoal::loop
