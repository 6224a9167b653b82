#include "tests/simulation/checker.h"

#include <algorithm>
#include <limits>

#include "core/spec/job_state.h"

namespace shoal::simulation {

namespace s = scheduler;

namespace {

std::string Text(const s::AttemptKey& key) {
  return StrCat(key.job_id.str(), "/", key.attempt_number);
}

}  // namespace

// The last number is that of the attempt's own table, whatever the job's row says.
void Checker::OnLease(const SimStore& store, const s::AttemptRecord& attempt) {
  const s::AttemptKey& key = attempt.key;
  int32_t last = 0;
  auto next = store.attempts().upper_bound({key.job_id, std::numeric_limits<int32_t>::max()});
  if (next != store.attempts().begin() && (--next)->first.job_id == key.job_id)
    last = next->first.attempt_number;
  if (const auto it = leased_.find(key.job_id); it != leased_.end()) last = it->second;
  if (key.attempt_number != last + 1)
    Violated("numbers-grow", "attempt ", Text(key), " comes after ", last);
  leased_[key.job_id] = key.attempt_number;
  if (held_jobs_.contains(key.job_id))
    Violated("held-back", "attempt ", Text(key), " of a paused job is leased");
  if (held_workers_.contains(attempt.worker_id)) {
    Violated("held-back", "attempt ", Text(key), " is leased to ", attempt.worker_name,
             ", which is drained");
  }
}

void Checker::BeforeCommit(const SimStore& store, const std::vector<s::Update>& updates,
                           const std::vector<SimReport>& accepted) {
  leased_.clear();
  for (const s::Update& update : updates) {
    if (const auto* retried = std::get_if<s::JobRetried>(&update)) Release(retried->job.job_id);
    if (const auto* attempt = std::get_if<s::AttemptAdded>(&update))
      OnLease(store, attempt->attempt);
  }
  for (const SimReport& report : accepted) {
    const auto row = store.attempts().find(report.key);
    const bool alive = row != store.attempts().end() && !row->second.record.finished();
    const auto next = store.attempts().upper_bound(report.key);
    const bool newest = next == store.attempts().end() || next->first.job_id != report.key.job_id;
    if (!alive || !newest) Violated("fence", "a report of ", Text(report.key), " was recorded");
  }
}

void Checker::AfterCommit(const SimStore& store, const s::Draft& draft,
                          const std::vector<s::Update>& updates) {
  if (std::none_of(updates.begin(), updates.end(), s::IsDurable)) return;
  const s::StateImage memory = draft.committed().Image();
  const std::string from_disk = s::Difference(memory, s::State(store.ReadImage()).Image());
  if (!from_disk.empty()) Violated("memory-is-disk", from_disk);
  const std::string ahead = s::Difference(memory, draft.ahead().Image());
  if (!ahead.empty()) Violated("memory-is-disk", "the draft: ", ahead);
  std::map<WorkerId, int32_t> used;
  for (const s::AttemptRecord& attempt : memory.attempts) used[attempt.worker_id] += attempt.slots;
  for (const s::WorkerRecord& worker : memory.workers) {
    if (used[worker.worker_id] > worker.slots) {
      Violated("capacity", used[worker.worker_id], " slots taken of ", worker.slots, " of ",
               worker.name);
    }
  }
}

void Checker::OneRunner(const std::vector<std::pair<JobId, std::string>>& executing) {
  for (size_t i = 0; i < executing.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (executing[i].first != executing[j].first) continue;
      Violated("one-runner", "job ", executing[i].first.str(), " executes on ", executing[j].second,
               " and on ", executing[i].second);
    }
  }
}

void Checker::AtEnd(const SimStore& store, const std::map<JobId, int64_t>& total_steps) {
  for (const auto& [job_id, job] : store.jobs()) {
    if (!job.finished()) {
      Violated("ends", "job ", job_id.str(), " is still ", spec::Name(job.state), ": ",
               job.state_reason);
      continue;
    }
    if (job.state != v1::JOB_STATE_SUCCEEDED || job.kind != v1::JOB_KIND_TRAIN) continue;
    const std::vector<int64_t> curve = store.VisibleCurve(job_id);
    const int64_t total = total_steps.at(job_id);
    bool continuous = static_cast<int64_t>(curve.size()) == total;
    for (size_t i = 0; continuous && i < curve.size(); ++i)
      continuous = curve[i] == static_cast<int64_t>(i) + 1;
    if (!continuous) {
      Violated("one-curve", "job ", job_id.str(), " of ", total, " steps shows ",
               StrJoin(curve, ","));
    }
  }
}

}  // namespace shoal::simulation
