// Which settings a sweep's trials have: all of a grid, or random ones. Internal to core/spec.
#pragma once

#include <cstdint>
#include <vector>

#include "core/spec/axis.h"
#include "core/spec/violations.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

// How many combinations a grid's axes have before conditions; at most a little over 1e9.
int64_t GridSize(const std::vector<Axis>& axes);

// Every combination, the last axis fastest; where an axis does not vary, its values are one. The
// caller has made sure that there are not too many.
std::vector<Setting> GridSettings(const v1::SweepSpec& sweep, const std::vector<Axis>& axes);

// sweep.trials() settings, no two equal. Adds a violation where the space has fewer.
std::vector<Setting> RandomSettings(const v1::SweepSpec& sweep, const std::vector<Axis>& axes,
                                    const Positions* positions, Violations& violations);

}  // namespace shoal::spec
