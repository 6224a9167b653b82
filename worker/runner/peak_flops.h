// What the cores could do at most: multiply-adds on registers alone, nothing fetched. The
// denominator of "fraction of peak" in benchmarks.
#pragma once

#include <string_view>

namespace shoal::runner {

// FLOP/s (a multiplication or an addition each) of `threads` threads at once, by the processor time
// that they had; the median of a few tries of some hundredths of a second. dtype "bf16": pairs of
// bf16 products added to f32 (VDPBF16PS) where the processor has them, else, and for "f32", fused
// multiply-adds of the widest vectors. 0: not known for this processor.
double MeasurePeakFlops(std::string_view dtype, int threads);

}  // namespace shoal::runner
