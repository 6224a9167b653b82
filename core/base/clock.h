// Time. Code that needs to know what time it is receives a `const Clock&`; only clock.cc asks the
// system, and tests pass FakeClock (tests/support/fake_clock.h).
//
// Two kinds, never mixed: wall time, which people read and which may jump; and boot time, which
// only grows, also while the machine sleeps, and is what leases are measured by.
#pragma once

#include "absl/time/time.h"

namespace shoal {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time. May go backwards.
  virtual absl::Time Now() const = 0;

  // Time since boot, suspended time included (CLOCK_BOOTTIME). Never goes backwards; comparable
  // only within one boot of one machine.
  virtual absl::Duration Boottime() const = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Boottime() const override;
};

}  // namespace shoal
