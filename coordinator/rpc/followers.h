// Everyone who follows the lab: watchers of runs, readers of growing logs. The loop only says what
// a commit changed; one thread here lets each follower fetch and send what it has not sent yet, at
// its own pace.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/loop/loop.h"
#include "core/base/mutex.h"

namespace shoal::rpc {

class Follower {
 public:
  virtual ~Follower() = default;
  // What a commit changed. Must only take a note.
  virtual void Note(const loop::Committed& committed) = 0;
  // Sends what there is. True: something is left that can be sent a little later (a rate limit, a
  // full buffer).
  virtual bool Advance() = 0;
  // The coordinator is stopping.
  virtual void Leave(const absl::Status& status) = 0;
};

// Thread-safe.
class Followers {
 public:
  Followers();
  ~Followers();
  Followers(const Followers&) = delete;
  Followers& operator=(const Followers&) = delete;

  // Advances it at once, and from then on. After Close it is told to leave.
  void Add(const std::shared_ptr<Follower>& follower);
  void OnCommitted(const loop::Committed& committed);
  // All leave; none is taken any more.
  void Close();

 private:
  void Main(std::stop_token stop);
  std::vector<std::shared_ptr<Follower>> Living();

  Mutex mutex_;
  CondVar changed_;
  bool pending_ SHOAL_GUARDED_BY(mutex_) = false;
  bool closed_ SHOAL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<Follower>> followers_ SHOAL_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace shoal::rpc
