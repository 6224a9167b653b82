// Virtual time. One queue of actions ordered by (time, order of scheduling), one seeded source of
// randomness, one trace: the same seed gives the same run, to the last line.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/base/random.h"
#include "core/base/strings.h"

namespace shoal::simulation {

class Timeline {
 public:
  Timeline(uint64_t seed, bool keep_trace)
      : random_(seed, PurposeOf(Purpose::kTest)), keep_trace_(keep_trace) {}

  absl::Time now() const { return now_; }

  void At(absl::Time time, std::function<void()> action) {
    queue_.push_back({std::max(time, now_), next_order_++, std::move(action)});
    std::push_heap(queue_.begin(), queue_.end(), Later);
  }
  void After(absl::Duration delay, std::function<void()> action) {
    At(now_ + delay, std::move(action));
  }

  // Runs the earliest action. False when there is none, or it is later than `end`.
  bool Step(absl::Time end) {
    if (queue_.empty() || queue_.front().time > end) return false;
    std::pop_heap(queue_.begin(), queue_.end(), Later);
    Entry entry = std::move(queue_.back());
    queue_.pop_back();
    now_ = entry.time;
    entry.action();
    return true;
  }

  // --- randomness
  bool Chance(double probability) { return random_.UniformDouble() < probability; }
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random_.Below(static_cast<uint64_t>(high - low + 1)));
  }
  absl::Duration Millis(int64_t low, int64_t high) {
    return absl::Milliseconds(Between(low, high));
  }
  uint64_t NextU64() { return random_.NextU64(); }

  // --- trace: every line goes into the hash, and is kept when a person asked for it
  template <typename... Pieces>
  void Say(const Pieces&... pieces) {
    const std::string line = StrCat(absl::ToInt64Milliseconds(now_ - Start()), " ms  ", pieces...);
    for (const char c : line) hash_ = (hash_ ^ static_cast<uint8_t>(c)) * 1099511628211U;
    if (keep_trace_) trace_.push_back(line);
  }
  uint64_t hash() const { return hash_; }
  const std::vector<std::string>& trace() const { return trace_; }

  static absl::Time Start() { return absl::FromUnixSeconds(1'800'000'000); }

 private:
  struct Entry {
    absl::Time time;
    uint64_t order = 0;
    std::function<void()> action;
  };
  static bool Later(const Entry& a, const Entry& b) {
    return std::tie(a.time, a.order) > std::tie(b.time, b.order);
  }

  absl::Time now_ = Start();
  uint64_t next_order_ = 0;
  std::vector<Entry> queue_;
  Random random_;
  const bool keep_trace_;
  uint64_t hash_ = 14695981039346656037U;  // FNV-1a
  std::vector<std::string> trace_;
};

}  // namespace shoal::simulation
