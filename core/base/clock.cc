#include "core/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"
#include "core/base/check.h"

namespace shoal {

absl::Time SystemClock::Now() const { return absl::Now(); }

absl::Duration SystemClock::Boottime() const {
  timespec now{};
  SHOAL_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return absl::DurationFromTimespec(now);
}

}  // namespace shoal
