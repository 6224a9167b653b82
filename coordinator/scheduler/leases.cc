// Where leases begin, are renewed, and end.
#include <algorithm>
#include <set>
#include <vector>

#include "coordinator/scheduler/step.h"
#include "core/base/strings.h"

namespace shoal::scheduler {

absl::Time LeaseEnd(const Step& step) {
  return step.now + step.config.lease + step.config.lease_grace;
}

absl::Time SilentAt(const Config& config, const WorkerRecord& worker) {
  return worker.last_seen_at + config.lease + config.lease_grace;
}

namespace {

void Renew(Step& step, const AttemptKey& key, bool at_start = false) {
  step.Emit(
      LeaseRenewed{.key = key, .at = step.now, .expires_at = LeaseEnd(step), .at_start = at_start});
}

}  // namespace

// Held attempts, and those still on offer: the answer will send the latter again, and the worker
// will count their lease from THIS request, not from the one whose answer was lost. An offer that
// no answer has brought home within a lease ends: the worker may have had the attempt and dropped
// it when its own count ended.
void RenewLeasesOf(Step& step, const WorkerSynchronized& event) {
  std::set<AttemptKey> held;
  for (const HeldAttempt& attempt : event.held) held.insert(attempt.key);
  std::vector<AttemptKey> renewed;
  for (const JobId& job_id : step.state.LoadOf(event.worker_id).job_ids) {
    const AttemptRecord& attempt = *step.state.FindAttempt(job_id);
    const bool on_offer = attempt.state == v1::ATTEMPT_STATE_LEASED &&
                          step.now < attempt.offered_since + step.config.lease;
    if (held.contains(attempt.key) || on_offer) renewed.push_back(attempt.key);
  }
  for (const AttemptKey& key : renewed) Renew(step, key);
}

// A worker counts its lease from when it sent the request that was answered, so by now, grace
// included, an honest one has killed the runner.
void ExpireLeases(Step& step) {
  while (!step.state.leases().empty() && step.state.leases().begin()->first <= step.now) {
    const JobId job_id = step.state.leases().begin()->second;
    const std::string& worker_name = step.state.FindAttempt(job_id)->worker_name;
    EndAttempt(step, job_id, v1::ATTEMPT_STATE_LOST, v1::FAILURE_CLASS_UNSPECIFIED,
               StrCat("worker ", worker_name, " did not renew its lease of ",
                      absl::FormatDuration(step.config.lease)));
  }
}

// Before a restart a lease may have been renewed without a trace: until one more has passed, nobody
// else may start.
void RenewAllLeases(Step& step) {
  std::vector<AttemptKey> keys;
  for (const auto& [expires_at, job_id] : step.state.leases())
    keys.push_back(step.state.FindAttempt(job_id)->key);
  for (const AttemptKey& key : keys) Renew(step, key, /*at_start=*/true);
  for (const auto& [id, worker] : step.state.workers()) {
    if (worker.state != v1::WORKER_STATE_OFFLINE)
      step.Emit(WorkerSeen{id, step.now, /*present=*/false});
  }
  // The wall clock may have been set back while the coordinator was down.
  const absl::Time latest = step.now + step.config.retry_backoff_max;
  std::vector<JobRecord> late;
  for (const State::QueuePlace& place : step.state.queue()) {
    const JobRecord* job = step.state.FindJob(place.job_id);
    if (job->not_before > latest) late.push_back(*job);
  }
  for (JobRecord& job : late) {
    job.not_before = latest;
    step.Emit(JobChanged{.job = std::move(job), .from = v1::JOB_STATE_QUEUED, .at = step.now});
  }
}

absl::Time Draft::NextDeadline() const {
  absl::Time next = absl::InfiniteFuture();
  if (!ahead_.leases().empty()) next = ahead_.leases().begin()->first;
  for (const auto& [id, worker] : ahead_.workers()) {
    if (worker.state != v1::WORKER_STATE_OFFLINE) next = std::min(next, SilentAt(config_, worker));
  }
  const auto backoff = ahead_.backoffs().lower_bound({looked_at_, JobId()});
  for (auto it = backoff; it != ahead_.backoffs().end(); ++it) {
    if (it->first > looked_at_) return std::min(next, it->first);
  }
  return next;
}

}  // namespace shoal::scheduler
