// The scheduler: what happens, given what is and what comes. No threads, no clock, no I/O, no
// randomness, no gRPC: the decision is a function of (state, event, now) alone, so a simulator can
// drive it through years of virtual faults.
//
// Group commit. A transaction holds the updates of several events, and each must be decided as if
// the ones before it had been committed. Draft is that: a second copy of the state, ahead of the
// committed one by the open transaction.
//
//   Draft draft(config, State(image));                       // once, at start
//   for (event : batch) {
//     Decision decision = draft.Decide(event, now);
//     transaction.Write(decision);                           // updates + what the report brought,
//     when answer is OK
//   }
//   StatusOr<CommittedUpdates> committed = transaction.Commit();
//   if (!committed.ok()) { draft.RollBack(); answer all with the error; }
//   else { draft.Commit(*committed); perform all effects; answer each with decision.answer; }
//
// `now` is the coordinator's own steady time: wall time at the process's start plus boot time
// since, so it never goes back and never jumps. Leases are counted here from when a request is
// decided, by a worker from when it sent it, and the coordinator adds a grace: the worker's count
// always ends first.
//
//            submit            place                 report SUCCEEDED
//   job      ------> QUEUED ----------> RUNNING ------------------------> SUCCEEDED
//                      |  ^                |  report FAILED, no retry; crashed or lost too often
//               cancel |  | LOST,          | -------------------------> FAILED
//                      |  | PREEMPTED,     |  cancelled, and reported or lease ended
//                      v  | FAILED + retry | -------------------------> CANCELLED
//                CANCELLED+----------------+
//
//             place            report started              report finished
//   attempt  ------> LEASED ------------------> RUNNING ------------------> SUCCEEDED | FAILED |
//   CANCELLED | PREEMPTED
//                      |                           |
//                      +------- lease ended, ------+--> LOST
//                               worker began anew or left (workers.cc)
//
//   worker   READY <-> DRAINING (somebody drained it, or it shuts down); both -> OFFLINE when
//   silent for a lease, back when it speaks
//
// A person may also hold a job back (paused: QUEUED and not placed; a RUNNING one is asked to save
// and stop first) and make one that FAILED, was CANCELLED or ABORTED wait again (control.cc).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/scheduler/event.h"
#include "coordinator/scheduler/state.h"
#include "coordinator/scheduler/update.h"

namespace shoal::scheduler {

// --- Effects: to be done after the commit; losing them in a crash does no harm.

// The worker's waiting Synchronize has something to say: answer it with DesiredFor.
struct WakeWorker {
  WorkerId worker_id{};
  friend bool operator==(const WakeWorker&, const WakeWorker&) = default;
};
// The run's row or jobs changed: tell its watchers (and recompute its status in the store's
// snapshot).
struct NotifyRun {
  RunId run_id{};
  friend bool operator==(const NotifyRun&, const NotifyRun&) = default;
};
// A serve job ended or went back to the queue: whoever relays requests to this attempt ends them
// with `reason`.
struct ServeEnded {
  AttemptKey key{};
  std::string reason{};
  friend bool operator==(const ServeEnded&, const ServeEnded&) = default;
};
using Effect = std::variant<WakeWorker, NotifyRun, ServeEnded>;

struct Decision {
  // What the caller of the event is told. ABORTED: stale attempt. NOT_FOUND: unknown worker or
  // instance. Updates may come with an error too (a refused report is counted) and are committed
  // all the same.
  absl::Status answer{};
  bool duplicate = false;  // the request id was used before: repeat the stored answer
  std::string actor{};     // who caused it, for the event log: "user:…", "worker:NAME", "system"
  std::vector<Update> updates{};
  std::vector<Effect> effects{};  // no two equal ones
};

// The committed state and, ahead of it, the state that the open transaction will lead to.
// Thread-compatible; belongs to the loop thread.
class Draft {
 public:
  Draft(Config config, State committed)
      : config_(config), committed_(committed), ahead_(std::move(committed)) {}

  // Decides against the state ahead and moves it on. A `now` before that of the call before counts
  // as no time having passed.
  Decision Decide(const Event& event, absl::Time now);

  // When a Tick is due: the earliest end of a lease, of a backoff, of a worker's presence.
  // InfiniteFuture: never.
  absl::Time NextDeadline() const;

  // The transaction has committed: exactly the updates of all Decide calls since the last Commit or
  // RollBack.
  void Commit(const CommittedUpdates& committed) {
    committed_.Apply(committed);
    committed_now_ = last_now_;
  }
  // The transaction has failed: nothing of it happened.
  void RollBack() {
    ahead_ = committed_;
    looked_at_ = committed_now_;
  }

  const Config& config() const { return config_; }
  const State& committed() const { return committed_; }  // what answers and effects are made from
  const State& ahead() const { return ahead_; }

 private:
  Config config_;  // constant
  State committed_;
  State ahead_;
  absl::Time last_now_ = absl::InfinitePast();       // of the newest Decide
  absl::Time committed_now_ = absl::InfinitePast();  // of the newest Decide that was committed
  absl::Time looked_at_ =
      absl::InfinitePast();  // backoffs that ended by then have been placed if they could be
};

// The same decision on a copy of `state`: for tests, and to see that nothing else goes in.
Decision Decide(const Config& config, const State& state, const Event& event, absl::Time now);

// --- What a worker should have, for the answer to its Synchronize.
struct Stop {
  AttemptKey key{};
  enum class Kind { kCancel, kPreempt, kKill };  // StopOrder.KIND_*
  Kind kind = Kind::kKill;
  std::string reason{};
};
struct Desired {
  std::vector<AttemptKey>
      start{};  // LEASED to this worker and not held: sent again until it is, so a lost answer
                // heals. Leased for Config.lease from when the worker sent its request. A worker
                // ignores a start for an attempt it has or had.
  std::vector<Stop> stop{};  // held and not wanted
  std::vector<AttemptKey>
      renewed{};  // held and wanted: leased for Config.lease from when the worker sent its request
  bool empty() const { return start.empty() && stop.empty(); }  // nothing to say: may be held open
};

// For a worker whose WorkerSynchronized was committed, now or when a held-open call is answered
// later. `instance_id`, `held`: as in that request. A process that another one has replaced
// meanwhile is told to kill what it holds and starts nothing. All empty for an unknown worker.
Desired DesiredFor(const State& state, const WorkerId& worker_id, const std::string& instance_id,
                   const std::vector<HeldAttempt>& held);

}  // namespace shoal::scheduler
