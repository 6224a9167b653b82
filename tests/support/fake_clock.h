// A clock that moves when told. Starts at 2026-01-01T00:00:00Z, one hour after boot.
#pragma once

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace shoal {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override {
    MutexLock lock(mutex_);
    return now_;
  }
  absl::Duration Boottime() const override {
    MutexLock lock(mutex_);
    return boottime_;
  }

  // Time passes: both clocks.
  void Advance(absl::Duration by) {
    MutexLock lock(mutex_);
    now_ += by;
    boottime_ += by;
  }
  // Somebody sets the wall clock; boot time does not care.
  void SetWallTime(absl::Time now) {
    MutexLock lock(mutex_);
    now_ = now;
  }
  // The machine restarts: boot time begins again.
  void Reboot() {
    MutexLock lock(mutex_);
    boottime_ = absl::ZeroDuration();
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ SHOAL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1767225600);
  absl::Duration boottime_ SHOAL_GUARDED_BY(mutex_) = absl::Hours(1);
};

}  // namespace shoal
