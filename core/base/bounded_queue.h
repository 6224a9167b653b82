// A queue between threads that never grows without limit: a full queue makes its producers wait or
// turn work away, so overload is seen at the border instead of as exhausted memory.
//
// After Close(), pushes are refused, and pops deliver what is left and then nothing.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/check.h"
#include "core/base/mutex.h"

namespace shoal {

// Thread-safe, for any number of producers and consumers. First in, first out.
template <typename T>
class BoundedQueue {
 public:
  // `capacity` in items, at least 1.
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) { SHOAL_CHECK(capacity > 0); }

  // Adds `item` if there is room now. On false (full or closed) the item is left untouched.
  bool TryPush(T&& item) { return Push(std::move(item), absl::ZeroDuration()); }

  // Adds `item`, waiting at most `timeout` of real time for room. On false (no room in time, or
  // closed) the item is left untouched.
  bool Push(T&& item, absl::Duration timeout) {
    const auto deadline = CondVar::Deadline(timeout);
    MutexLock lock(mutex_);
    while (!closed_ && items_.size() >= capacity_) {
      if (!has_room_.WaitUntil(mutex_, deadline) && items_.size() >= capacity_) return false;
    }
    if (closed_) return false;
    items_.push_back(std::move(item));
    has_items_.Signal();
    return true;
  }

  // The oldest item, waiting at most `timeout` of real time for one. Nothing: none in time, or
  // closed and empty.
  std::optional<T> Pop(absl::Duration timeout) {
    MutexLock lock(mutex_);
    if (!WaitForItem(timeout)) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    has_room_.Signal();
    return item;
  }

  // Waits as Pop does for the first item, then takes up to `limit` that are there, in order. Empty:
  // none in time, or closed and empty. This is how a loop commits many events at once.
  std::vector<T> PopBatch(size_t limit, absl::Duration timeout) {
    std::vector<T> batch;
    MutexLock lock(mutex_);
    if (!WaitForItem(timeout)) return batch;
    while (!items_.empty() && batch.size() < limit) {
      batch.push_back(std::move(items_.front()));
      items_.pop_front();
    }
    has_room_.SignalAll();
    return batch;
  }

  // Wakes all waiters; see the top of this page. Closing twice is harmless.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    has_items_.SignalAll();
    has_room_.SignalAll();
  }

  bool closed() const {
    MutexLock lock(mutex_);
    return closed_;
  }
  // Items waiting now.
  size_t size() const {
    MutexLock lock(mutex_);
    return items_.size();
  }
  size_t capacity() const { return capacity_; }

 private:
  bool WaitForItem(absl::Duration timeout) SHOAL_REQUIRES(mutex_) {
    const auto deadline = CondVar::Deadline(timeout);
    while (items_.empty() && !closed_) {
      if (!has_items_.WaitUntil(mutex_, deadline)) break;
    }
    return !items_.empty();
  }

  // Constant after construction.
  const size_t capacity_;
  // Own synchronisation.
  mutable Mutex mutex_;
  CondVar has_items_;
  CondVar has_room_;
  // Guarded by mutex_.
  std::deque<T> items_ SHOAL_GUARDED_BY(mutex_);
  bool closed_ SHOAL_GUARDED_BY(mutex_) = false;
};

}  // namespace shoal
