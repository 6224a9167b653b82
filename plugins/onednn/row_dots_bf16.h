// Dot products of bf16 rows by the processor's own bf16 instruction (AVX512-BF16, VDPBF16PS), which
// this Highway does not have.
#pragma once

#include <cstdint>

#include "plugins/onednn/array.h"

namespace shoal::onednn {

// y[i, j] = x[i,k] . w[j,k] + bias[j] for j in [begin, end) and every row i < n; m columns of y,
// f32 or bf16; x and w are bf16, bias may be null. Each y depends on its own rows only, whatever
// the range. Requires HasNativeBf16().
void RowDotsBf16(const void* x, const void* w, const float* bias, Array y, int64_t n, int64_t m,
                 int64_t k, int64_t begin, int64_t end);

}  // namespace shoal::onednn
