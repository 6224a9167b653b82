// What must hold whatever happens. Each check looks at the disk's tables and the runners that
// really execute, never at the scheduler's own opinion, but for the one check that compares the
// two.
//
//   one-runner      at any instant at most one runner executes a job (sleeping workers execute
//                   nothing)
//   numbers-grow    a job's attempts are numbered 1, 2, 3 ..., also across retries
//   fence           nothing is recorded for an attempt that is not its job's newest and alive
//   memory-is-disk  state rebuilt from the tables == committed state in memory == state the next
//                   decision starts from
//   capacity        living attempts never take more slots than their worker has
//   held-back       no attempt is given to a job between the answer to its pause and its resume,
//                   nor to a worker between the answer to its drain and the end of that
//   answered        every submit that was answered is on disk, once
//   ends            once faults have stopped, every job comes to an end
//   one-curve       a SUCCEEDED job's visible points are 1, 2, ... total, each once
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/scheduler/decide.h"
#include "core/base/strings.h"
#include "tests/simulation/sim_store.h"

namespace shoal::simulation {

class Checker {
 public:
  void BeforeCommit(const SimStore& store, const std::vector<scheduler::Update>& updates,
                    const std::vector<SimReport>& accepted);
  void AfterCommit(const SimStore& store, const scheduler::Draft& draft,
                   const std::vector<scheduler::Update>& updates);
  // `executing`: the job of every runner that executes at this instant, and where.
  void OneRunner(const std::vector<std::pair<JobId, std::string>>& executing);
  void AtEnd(const SimStore& store, const std::map<JobId, int64_t>& total_steps);

  // What clients have been told: from Hold to Release, the job or worker gets no new attempt. A
  // retry of the job ends its hold too.
  void Hold(const JobId& job_id) { held_jobs_.insert(job_id); }
  void Release(const JobId& job_id) { held_jobs_.erase(job_id); }
  void Hold(const WorkerId& worker_id) { held_workers_.insert(worker_id); }
  void Release(const WorkerId& worker_id) { held_workers_.erase(worker_id); }

  template <typename... Pieces>
  void Violated(const char* invariant, const Pieces&... pieces) {
    if (violation_.empty()) violation_ = StrCat(invariant, ": ", pieces...);
  }
  const std::string& violation() const { return violation_; }

 private:
  void OnLease(const SimStore& store, const scheduler::AttemptRecord& attempt);

  std::string violation_;
  std::set<JobId> held_jobs_;
  std::set<WorkerId> held_workers_;
  std::map<JobId, int32_t> leased_;  // newest attempts of the open transaction
};

}  // namespace shoal::simulation
