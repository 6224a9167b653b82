// Stands for the store's write transaction: tests and the simulator say what has been committed.
#pragma once

#include <utility>
#include <vector>

#include "coordinator/scheduler/committed_updates.h"

namespace shoal::scheduler {

class CommitDouble {
 public:
  static CommittedUpdates Of(std::vector<Update> updates) {
    return CommittedUpdates(std::move(updates));
  }
};

}  // namespace shoal::scheduler
