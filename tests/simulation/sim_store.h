// The simulated disk: tables as the real store has them, changed in transactions that commit whole
// or not at all. It knows nothing of State: its tables are built from updates row by row, as SQL
// would, so that comparing an image read from here with the scheduler's memory compares two
// independent constructions.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/scheduler/decide.h"

namespace shoal::simulation {

// One item of a worker's report.
struct SimItem {
  enum class Kind { kStarted, kPoint, kCheckpoint, kFinished };
  Kind kind = Kind::kPoint;
  int64_t step = 0;   // kStarted: resumed from
  std::string isa{};  // kStarted
  scheduler::FinishedItem finished{};
};

struct SimReport {
  WorkerId worker_id{};
  std::string instance_id{};
  scheduler::AttemptKey key{};
  int64_t first_sequence = 1;
  std::vector<SimItem> items{};
};

class SimStore {
 public:
  struct AttemptRow {
    scheduler::AttemptRecord record{};
    int64_t high_water = 0;         // sequence number of the newest item recorded
    std::vector<int64_t> points{};  // steps, in the order recorded
    std::vector<int64_t> checkpoints{};
  };

  // One transaction: the updates of some decisions and the reports that passed the fence.
  void Commit(const std::vector<scheduler::Update>& updates,
              const std::vector<SimReport>& accepted);

  int64_t HighWater(const scheduler::AttemptKey& key) const;
  // The newest resumable checkpoint of a job; 0: none.
  int64_t ResumeStep(const JobId& job_id) const;
  // What a restarted coordinator reads.
  scheduler::StateImage ReadImage() const;
  // A job's curve as a person sees it: points of an attempt are hidden behind the step a later one
  // resumed from.
  std::vector<int64_t> VisibleCurve(const JobId& job_id) const;

  const scheduler::RunRecord& RunOf(const RunId& run_id) const { return runs_.at(run_id); }
  const std::map<JobId, scheduler::JobRecord>& jobs() const { return jobs_; }
  const std::map<scheduler::AttemptKey, AttemptRow>& attempts() const { return attempts_; }
  bool HasRequest(const std::string& request_id) const { return requests_.contains(request_id); }
  int64_t refused() const { return refused_; }
  int64_t retried() const { return retried_; }

 private:
  void Write(const scheduler::Update& update);
  void Write(const SimReport& report);

  std::map<RunId, scheduler::RunRecord> runs_;
  std::map<JobId, scheduler::JobRecord> jobs_;
  std::map<scheduler::AttemptKey, AttemptRow> attempts_;
  std::map<WorkerId, scheduler::WorkerRecord> workers_;
  std::set<std::string> requests_;
  int64_t refused_ = 0;
  int64_t retried_ = 0;
};

}  // namespace shoal::simulation
