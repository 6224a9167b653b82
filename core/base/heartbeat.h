// How often a worker is heard, and when its silence is worth telling.
#pragma once

#include "absl/time/time.h"

namespace shoal {

// A worker speaks to its coordinator at least this often; more often where leases are short.
inline constexpr absl::Duration kLongestHeartbeat = absl::Seconds(15);

// By then two heartbeats and more are missing: the worker is called silent, and gets no new work
// until it speaks; what it holds stays its own until its lease ends.
inline constexpr absl::Duration kSilentAfter = absl::Seconds(40);

}  // namespace shoal
