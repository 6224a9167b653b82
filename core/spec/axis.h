// The dimensions of a sweep: its variants, and every path of its space. Internal to core/spec.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/spec/override.h"
#include "core/spec/range.h"
#include "core/spec/spec.h"
#include "core/spec/violations.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

// One position on an axis.
struct Choice {
  std::string name;  // given name of a variant, else empty
  std::vector<Override> overrides;
  bool constant = false;  // the axis has no other: it sets nothing apart
};

// What one trial sets, in the order of the axes; axes whose condition does not hold are left out.
using Setting = std::vector<Choice>;

// `path` has `value` (in canonical spelling).
struct Condition {
  std::string path, value;
};

struct Axis {
  std::string path;             // empty: the variants
  std::vector<Choice> choices;  // empty for a range of which only random values are drawn
  std::optional<Range> range;
  std::vector<Condition> when;  // all must hold
};

// The paths of a space in their order: alphabetical, `seed` last.
std::vector<std::string> SpacePaths(const v1::SweepSpec& sweep);

// The axes in their order: variants, then the paths. Adds what is wrong with them.
std::vector<Axis> ReadAxes(const v1::SweepSpec& sweep, const Positions* positions,
                           Violations& violations);

// Which axes vary in a trial. Conditions look at what the trial's other axes say, or, where those
// do not set a path or do not vary themselves, at the base.
class ActiveAxes {
 public:
  // Requires axes without violations, and whose conditions have no circle.
  ActiveAxes(const v1::SweepSpec& sweep, const std::vector<Axis>& axes);

  // `chosen` has a choice for each axis. Whether each of them counts.
  std::vector<bool> Of(const std::vector<const Choice*>& chosen) const;

 private:
  const std::vector<Axis>& axes_;
  v1::RunSpec base_;           // complete
  std::vector<size_t> order_;  // an axis comes after those that its conditions look at
};

}  // namespace shoal::spec
