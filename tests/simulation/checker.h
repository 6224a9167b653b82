// What must hold whatever happens. Each check looks at the disk's tables and the runners that
// really execute, never at the scheduler's own opinion, but for the one check that compares the
// two.
//
//   one-runner      at any instant at most one runner executes a job (sleeping workers execute
//   nothing) numbers-grow    a job's attempts are numbered 1, 2, 3 … fence           nothing is
//   recorded for an attempt that is not its job's newest and alive memory-is-disk  state rebuilt
//   from the tables == committed state in memory == state the next decision starts from capacity
//   living attempts never take more slots than their worker has answered        every submit that
//   was answered is on disk, once ends            once faults have stopped, every job comes to an
//   end one-curve       a SUCCEEDED job's visible points are 1, 2, … total, each once
#pragma once

#include <map>
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

  template <typename... Pieces>
  void Violated(const char* invariant, const Pieces&... pieces) {
    if (violation_.empty()) violation_ = StrCat(invariant, ": ", pieces...);
  }
  const std::string& violation() const { return violation_; }

 private:
  std::string violation_;
};

}  // namespace shoal::simulation
