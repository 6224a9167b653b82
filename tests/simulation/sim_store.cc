#include "tests/simulation/sim_store.h"

#include <algorithm>
#include <type_traits>

#include "core/base/check.h"

namespace shoal::simulation {

namespace s = scheduler;

void SimStore::Commit(const std::vector<s::Update>& updates,
                      const std::vector<SimReport>& accepted) {
  for (const s::Update& update : updates) {
    if (s::IsDurable(update)) Write(update);
  }
  for (const SimReport& report : accepted) Write(report);
}

void SimStore::Write(const s::Update& update) {
  std::visit(
      [this](const auto& u) {
        using U = std::decay_t<decltype(u)>;
        if constexpr (std::is_same_v<U, s::RequestRecorded>) requests_.insert(u.request_id);
        if constexpr (std::is_same_v<U, s::RunAdded>) runs_[u.run.run_id] = u.run;
        if constexpr (std::is_same_v<U, s::JobAdded>) jobs_[u.job.job_id] = u.job;
        if constexpr (std::is_same_v<U, s::JobChanged>) jobs_[u.job.job_id] = u.job;
        if constexpr (std::is_same_v<U, s::JobRetried>) {
          jobs_[u.job.job_id] = u.job;
          ++retried_;
        }
        if constexpr (std::is_same_v<U, s::AttemptAdded>)
          attempts_[u.attempt.key].record = u.attempt;
        if constexpr (std::is_same_v<U, s::AttemptChanged>)
          attempts_[u.attempt.key].record = u.attempt;
        if constexpr (std::is_same_v<U, s::CheckpointAccepted>) {
          s::JobRecord& job = jobs_[u.key.job_id];
          job.checkpoint_step = std::max(job.checkpoint_step, u.step);
        }
        if constexpr (std::is_same_v<U, s::WorkerRegisteredUpdate>)
          workers_[u.worker.worker_id] = u.worker;
        if constexpr (std::is_same_v<U, s::WorkerStateChanged>) workers_[u.worker_id].state = u.to;
        if constexpr (std::is_same_v<U, s::WorkerDrainSet>)
          workers_[u.worker_id].drained = u.drained;
        if constexpr (std::is_same_v<U, s::StaleReportRefused>) ++refused_;
      },
      update);
}

void SimStore::Write(const SimReport& report) {
  AttemptRow& row = attempts_[report.key];
  int64_t sequence = report.first_sequence;
  for (const SimItem& item : report.items) {
    if (sequence++ != row.high_water + 1) continue;
    ++row.high_water;
    if (item.kind == SimItem::Kind::kPoint) row.points.push_back(item.step);
    if (item.kind == SimItem::Kind::kCheckpoint) row.checkpoints.push_back(item.step);
  }
}

int64_t SimStore::HighWater(const s::AttemptKey& key) const {
  const auto it = attempts_.find(key);
  return it == attempts_.end() ? 0 : it->second.high_water;
}

int64_t SimStore::ResumeStep(const JobId& job_id) const {
  int64_t step = 0;
  for (auto it = attempts_.lower_bound({job_id, 0});
       it != attempts_.end() && it->first.job_id == job_id; ++it) {
    for (const int64_t checkpoint : it->second.checkpoints) step = std::max(step, checkpoint);
  }
  return step;
}

s::StateImage SimStore::ReadImage() const {
  s::StateImage image;
  std::set<RunId> live;
  for (const auto& [id, job] : jobs_) {
    image.next_submit_order = std::max(image.next_submit_order, job.submit_order + 1);
    if (job.finished()) continue;
    image.jobs.push_back(job);
    live.insert(job.run_id);
  }
  for (const RunId& run_id : live) image.runs.push_back(runs_.at(run_id));
  for (const auto& [key, row] : attempts_) {
    if (row.record.finished()) continue;
    image.attempts.push_back(row.record);
    s::ResetVolatile(image.attempts.back());
  }
  for (const auto& [id, worker] : workers_) {
    image.workers.push_back(worker);
    s::ResetVolatile(image.workers.back());
  }
  image.request_ids.assign(requests_.begin(), requests_.end());
  image.refused_stale_reports = refused_;
  return image;
}

std::vector<int64_t> SimStore::VisibleCurve(const JobId& job_id) const {
  std::vector<int64_t> curve;
  for (auto it = attempts_.lower_bound({job_id, 0});
       it != attempts_.end() && it->first.job_id == job_id; ++it) {
    const AttemptRow& row = it->second;
    if (row.high_water == 0) continue;  // it never said that it started
    std::erase_if(curve, [&](int64_t step) { return step > row.record.resumed_from_step; });
    curve.insert(curve.end(), row.points.begin(), row.points.end());
  }
  return curve;
}

}  // namespace shoal::simulation
