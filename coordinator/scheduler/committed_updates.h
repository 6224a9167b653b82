// The proof that updates have been committed. State::Apply takes nothing else, and only two classes
// can make one: the store's write transaction, on a successful COMMIT, and the double that tests
// and the simulator use. Memory can therefore never run ahead of the disk: the bypass does not
// compile.
#pragma once

#include <utility>
#include <vector>

#include "coordinator/scheduler/update.h"

namespace shoal::store {
class WriteTransaction;  // coordinator/store: returns CommittedUpdates from Commit()
}

namespace shoal::scheduler {

class CommittedUpdates {
 public:
  const std::vector<Update>& updates() const { return updates_; }

 private:
  friend class ::shoal::store::WriteTransaction;
  friend class CommitDouble;  // tests/simulation/commit_double.h

  explicit CommittedUpdates(std::vector<Update> updates) : updates_(std::move(updates)) {}

  std::vector<Update> updates_;
};

}  // namespace shoal::scheduler
