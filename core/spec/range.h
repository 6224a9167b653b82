// A range of numbers that a sweep's path may be: `min`..`max`, linear or log, in steps or not.
// Internal to core/spec.
//
// Values are decimal numbers that a person can read and type again. An integer field gets integers
// (its step is 1 unless given). A real field without a step gets 4 significant digits: of the
// value on a log scale, of the range's width on a linear one. So the last bit of a machine's exp
// and pow never shows, and a space is the same everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

class Range {
 public:
  // What is wrong with `axis` as a range of this field, or nothing. Requires a path without problem
  // (override.h).
  static std::optional<std::string> Problem(const std::string& path, const v1::AxisSpec& axis);
  // Requires an axis without problem.
  Range(const std::string& path, const v1::AxisSpec& axis);

  // The points of a grid: `count` of them, both ends included; without a count every step. A value
  // that comes twice (integers of a narrow range) is in it twice. Empty: there is neither count nor
  // step, or more than `most` steps.
  std::vector<std::string> Grid(int64_t most) const;

  // How many values it has; at most `most`, which a range without a step is said to have.
  int64_t Size(int64_t most) const;

  // One value: uniform in the value (linear) or in its logarithm (log).
  std::string Draw(Random& random) const;

 private:
  double Snap(double value) const;
  std::string Text(double value) const;
  // The largest k for which min + k step is in the range. Requires a step.
  int64_t Steps() const;

  double min_, max_;
  bool log_;
  bool integer_;
  double step_;  // 0: none
  int32_t count_;
};

}  // namespace shoal::spec
