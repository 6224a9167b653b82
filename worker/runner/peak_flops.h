// What the machine could do at most: multiply-adds on registers alone, and memory that only
// streams by. The denominators of "fraction of peak" and of rooflines in benchmarks.
#pragma once

#include <string_view>

namespace shoal::runner {

// FLOP/s (a multiplication or an addition each) of `threads` threads at once, by the processor time
// that they had; the median of a few tries of some hundredths of a second. dtype "bf16": pairs of
// bf16 products added to f32 (VDPBF16PS) where the processor has them, else, and for "f32", fused
// multiply-adds of the widest vectors. 0: not known for this processor.
double MeasurePeakFlops(std::string_view dtype, int threads);

// Bytes per second of `threads` threads that read two arrays and write a third, each larger than
// the caches (McCalpin's triad); the best of a few tries. Takes 96 MiB for each thread.
double MeasureMemoryBandwidth(int threads);

}  // namespace shoal::runner
