// What a worker should have: an answer made from a committed state.
#include <set>

#include "coordinator/scheduler/decide.h"

namespace shoal::scheduler {
namespace {

// What to do about one attempt that the worker holds.
void Judge(const State& state, const WorkerRecord& worker, const AttemptKey& held,
           Desired& desired) {
  const AttemptRecord* attempt = state.FindAttempt(held.job_id);
  if (attempt == nullptr || attempt->key != held || attempt->worker_id != worker.worker_id ||
      attempt->instance_id != worker.instance_id) {
    desired.stop.push_back(
        {.key = held, .kind = Stop::Kind::kKill, .reason = "the attempt is over"});
    return;
  }
  desired.renewed.push_back(held);
  const JobRecord& job = *state.FindJob(held.job_id);
  if (job.stop != StopWish::kNone) {
    desired.stop.push_back({.key = held, .kind = Stop::Kind::kCancel, .reason = job.stop_reason});
  } else if (job.paused) {
    desired.stop.push_back({.key = held, .kind = Stop::Kind::kPreempt, .reason = job.stop_reason});
  }
}

}  // namespace

Desired DesiredFor(const State& state, const WorkerId& worker_id, const std::string& instance_id,
                   const std::vector<HeldAttempt>& held) {
  Desired desired;
  const WorkerRecord* worker = state.FindWorker(worker_id);
  if (worker == nullptr) return desired;
  if (worker->instance_id != instance_id) {
    for (const HeldAttempt& attempt : held) {
      desired.stop.push_back({.key = attempt.key, .reason = "another process has this name now"});
    }
    return desired;
  }
  std::set<AttemptKey> held_keys;
  for (const HeldAttempt& attempt : held) {
    if (held_keys.insert(attempt.key).second) Judge(state, *worker, attempt.key, desired);
  }
  for (const JobId& job_id : state.LoadOf(worker_id).job_ids) {
    const AttemptRecord& attempt = *state.FindAttempt(job_id);
    const bool on_offer = attempt.state == v1::ATTEMPT_STATE_LEASED &&
                          attempt.lease_renewed_at >= worker->last_seen_at;
    if (on_offer && !held_keys.contains(attempt.key)) desired.start.push_back(attempt.key);
  }
  return desired;
}

}  // namespace shoal::scheduler
