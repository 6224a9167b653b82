#include "tests/simulation/checker.h"

#include <algorithm>

#include "core/spec/job_state.h"

namespace shoal::simulation {

namespace s = scheduler;

namespace {

std::string Text(const s::AttemptKey& key) {
  return StrCat(key.job_id.str(), "/", key.attempt_number);
}

}  // namespace

void Checker::BeforeCommit(const SimStore& store, const std::vector<s::Update>& updates,
                           const std::vector<SimReport>& accepted) {
  std::map<JobId, int32_t> added;
  for (const s::Update& update : updates) {
    const auto* attempt = std::get_if<s::AttemptAdded>(&update);
    if (attempt == nullptr) continue;
    const s::AttemptKey& key = attempt->attempt.key;
    const auto job = store.jobs().find(key.job_id);
    int32_t last = job == store.jobs().end() ? 0 : job->second.attempt_count;
    if (const auto it = added.find(key.job_id); it != added.end()) last = it->second;
    if (key.attempt_number != last + 1)
      Violated("numbers-grow", "attempt ", Text(key), " comes after ", last);
    added[key.job_id] = key.attempt_number;
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
