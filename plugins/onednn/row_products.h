// The products that oneDNN is not made for: very few rows (one token being generated), and sums
// over rows.
#pragma once

#include <cstdint>

#include "plugins/onednn/array.h"
#include "plugins/onednn/team.h"

namespace shoal::onednn {

// Up to how many rows MultiplyRows is faster than a GEMM, which first rearranges the whole weight.
inline constexpr int64_t kFewRows = 4;

// y[n,m] = x[n,k] w[m,k]^T + bias[m], dense, reading w once. x and w have the same type; bias may
// be null.
void MultiplyRows(const Team& team, Array x, Array w, const float* bias, Array y, int64_t n,
                  int64_t m, int64_t k);

// sums[m] (+)= sum over n of dy[n,m], in order of n.
void ColumnSums(const Team& team, Array dy, int64_t n, int64_t m, bool add, float* sums);

}  // namespace shoal::onednn
