#include "coordinator/rpc/followers.h"

namespace shoal::rpc {
namespace {
constexpr absl::Duration kBreath =
    absl::Milliseconds(25);  // changes that come together are sent together
constexpr absl::Duration kIdle = absl::Seconds(1);
}  // namespace

Followers::Followers() : thread_([this](std::stop_token stop) { Main(stop); }) {}

Followers::~Followers() {
  Close();
  thread_.request_stop();
  {
    MutexLock lock(mutex_);
    changed_.SignalAll();
  }
}

std::vector<std::shared_ptr<Follower>> Followers::Living() {
  std::vector<std::shared_ptr<Follower>> living;
  MutexLock lock(mutex_);
  std::erase_if(followers_, [&](const std::weak_ptr<Follower>& weak) {
    std::shared_ptr<Follower> follower = weak.lock();
    if (follower != nullptr) living.push_back(std::move(follower));
    return weak.expired();
  });
  return living;
}

void Followers::Add(const std::shared_ptr<Follower>& follower) {
  {
    MutexLock lock(mutex_);
    if (!closed_) {
      followers_.push_back(follower);
      pending_ = true;
      changed_.Signal();
      return;
    }
  }
  follower->Leave(absl::UnavailableError("the coordinator is stopping"));
}

void Followers::OnCommitted(const loop::Committed& committed) {
  for (const std::shared_ptr<Follower>& follower : Living()) follower->Note(committed);
  MutexLock lock(mutex_);
  pending_ = true;
  changed_.Signal();
}

void Followers::Close() {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = true;
  }
  for (const std::shared_ptr<Follower>& follower : Living()) {
    follower->Leave(
        absl::UnavailableError("the coordinator is stopping; watch again when it is back"));
  }
}

void Followers::Main(std::stop_token stop) {
  bool left_over = false;
  while (!stop.stop_requested()) {
    {
      MutexLock lock(mutex_);
      const auto deadline = CondVar::Deadline(left_over ? kBreath : kIdle);
      while (!pending_ && !stop.stop_requested()) {
        if (!changed_.WaitUntil(mutex_, deadline)) break;
      }
      pending_ = false;
    }
    left_over = false;
    for (const std::shared_ptr<Follower>& follower : Living()) left_over |= follower->Advance();
    MutexLock lock(mutex_);
    if (!stop.stop_requested()) changed_.WaitFor(mutex_, absl::Milliseconds(5));
  }
}

}  // namespace shoal::rpc
