// std::mutex with the annotations of clang's thread-safety analysis: a field marked
// SHOAL_GUARDED_BY(mutex_) cannot be touched without the lock, and the `tidy` preset proves it. Not
// absl::Mutex, which ThreadSanitizer follows less well.
//
//   class Table {
//     void Add(int row) { MutexLock lock(mutex_); rows_.push_back(row); }
//     Mutex mutex_;
//     std::vector<int> rows_ SHOAL_GUARDED_BY(mutex_);
//   };
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

#if defined(__clang__)
#define SHOAL_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define SHOAL_THREAD_ATTRIBUTE(x)
#endif

#define SHOAL_GUARDED_BY(x) SHOAL_THREAD_ATTRIBUTE(guarded_by(x))
#define SHOAL_PT_GUARDED_BY(x) SHOAL_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define SHOAL_REQUIRES(...) SHOAL_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define SHOAL_EXCLUDES(...) SHOAL_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define SHOAL_NO_THREAD_SAFETY_ANALYSIS SHOAL_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace shoal {

class CondVar;

class SHOAL_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() SHOAL_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void Unlock() SHOAL_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  bool TryLock() SHOAL_THREAD_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds `mutex` for its own lifetime.
class SHOAL_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SHOAL_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() SHOAL_THREAD_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// A condition variable for Mutex. Waits may end without a signal: always wait in a loop that tests
// the condition.
class CondVar {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  // Waits at most `timeout` of real time (absl::InfiniteDuration(): without limit). False when the
  // time is over.
  bool WaitFor(Mutex& mutex, absl::Duration timeout) SHOAL_REQUIRES(mutex) {
    return WaitUntil(mutex, Deadline(timeout));
  }

  // Waits until the steady clock reaches `deadline`. False when it has.
  bool WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      SHOAL_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool in_time = cond_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return in_time;
  }

  void Signal() { cond_.notify_one(); }
  void SignalAll() { cond_.notify_all(); }

  // The instant `timeout` from now, for WaitUntil in a loop. Infinite or longer than a year: a
  // year.
  static std::chrono::steady_clock::time_point Deadline(absl::Duration timeout) {
    constexpr absl::Duration kLongest = absl::Hours(24 * 365);
    return std::chrono::steady_clock::now() +
           absl::ToChronoNanoseconds(timeout < kLongest ? timeout : kLongest);
  }

 private:
  std::condition_variable cond_;
};

}  // namespace shoal
