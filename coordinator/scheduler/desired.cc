// What a worker should have, and why a job waits: answers made from a committed state.
#include <set>
#include <string_view>

#include "coordinator/scheduler/decide.h"
#include "coordinator/scheduler/placement.h"
#include "core/base/strings.h"

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
  }
}

std::string QueueText(const State& state, const JobRecord& job) {
  int64_t ahead = 0;
  for (const State::QueuePlace& place : state.queue()) {
    if (place.job_id == job.job_id) break;
    ++ahead;
  }
  int32_t slots = 0;
  int32_t used = 0;
  for (const auto& [id, worker] : state.workers()) {
    if (!worker.present || worker.state != v1::WORKER_STATE_READY) continue;
    slots += worker.slots;
    used += state.LoadOf(id).slots;
  }
  const std::string need =
      job.needs.slots == 1 ? "a free slot" : StrCat(job.needs.slots, " free slots of one worker");
  const std::string before =
      ahead == 0 ? "it is first in the queue"
                 : StrCat(ahead, ahead == 1 ? " job is" : " jobs are", " ahead of it");
  return StrCat("waits for ", need, " (", used, " of ", slots, " in use); ", before);
}

bool AnyPresent(const State& state) {
  for (const auto& [id, worker] : state.workers()) {
    if (worker.present && worker.state == v1::WORKER_STATE_READY) return true;
  }
  return false;
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

std::string Explain(const Config& config, const State& state, const JobId& job_id, absl::Time now) {
  const JobRecord* job = state.FindJob(job_id);
  if (job == nullptr) return "";
  if (const AttemptRecord* attempt = state.FindAttempt(job_id)) {
    const std::string where =
        StrCat("attempt ", attempt->key.attempt_number, " on worker ", attempt->worker_name);
    if (job->stop != StopWish::kNone) return StrCat(where, " is being stopped: ", job->stop_reason);
    if (attempt->lease_expires_at - config.lease - config.lease_grace + config.lease / 2 < now) {
      return StrCat(
          where, "; the worker has been silent for a while, its lease ends in ",
          absl::FormatDuration(absl::Trunc(attempt->lease_expires_at - now, absl::Seconds(1))));
    }
    return where;
  }
  if (job->not_before > now) {
    return StrCat("tried again in ",
                  absl::FormatDuration(absl::Ceil(job->not_before - now, absl::Seconds(1))), ": ",
                  job->state_reason);
  }
  if (!AnyPresent(state)) return "no worker is ready; `shoal up` starts one on this machine";
  const std::string unmet = UnmetRequirement(state, *job);
  return unmet.empty() ? QueueText(state, *job) : unmet;
}

}  // namespace shoal::scheduler
