// What measurements have in common: percentiles, and how much memory was used.
#pragma once

#include <vector>

namespace shoal::runner {

// The value below which `share` of them are. Requires at least one.
double Percentile(std::vector<double> values, double share);

// Largest resident memory of this process so far.
double PeakMemoryMib();

}  // namespace shoal::runner
