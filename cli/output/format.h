// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace shoal::cli {

// 950 -> "950", 8726016 -> "8.73M", 1.2e12 -> "1.20T". Three significant digits.
std::string HumanCount(double value);
// 512 -> "512 B", 8912896 -> "8.5 MiB".
std::string HumanBytes(int64_t bytes);
// "0.4s", "12s", "3m 05s", "2h 07m", "3d 04h". Negative or infinite: "-".
std::string HumanDuration(absl::Duration duration);
// "just now", "5m ago", "3h ago", or the date for more than ten days.
std::string HumanAgo(absl::Time then, absl::Time now);
// A fixed number of digits after the point; "-" for NaN.
std::string Fixed(double value, int digits);
// 12345678 -> "12,345,678".
std::string WithCommas(int64_t value);

}  // namespace shoal::cli
