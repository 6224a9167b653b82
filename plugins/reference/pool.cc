// MEAN_POOL and its gradient: one row for each sequence of a packed batch.
#include <algorithm>
#include <cstdint>

#include "plugins/reference/attention.h"
#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"

namespace shoal::reference {

template <class Real>
int32_t MeanPool(Call<Real>& call) {
  const int64_t N = call.InputRows(0), D = call.InputDim(0, 1), S = call.InputRows(1) - 1;
  const Real* x = call.Input(0);
  const int32_t* offsets = call.Integers(1);
  const Out<Real> y = call.Output(0);
  if (int32_t code = CheckOffsets(call, offsets, S, N)) return code;
  double* sums = call.Sums(D);
  for (int64_t s = 0; s < S; ++s) {
    std::fill_n(sums, D, 0.0);
    for (int64_t n = offsets[s]; n < offsets[s + 1]; ++n) AddScaled(1.0, x + n * D, D, sums);
    const int32_t length = std::max(1, offsets[s + 1] - offsets[s]);
    for (int64_t d = 0; d < D; ++d) y[s * D + d] = static_cast<Real>(sums[d] / length);
  }
  return plugins::kOk;
}

template <class Real>
int32_t MeanPoolBackward(Call<Real>& call) {
  const int64_t N = call.OutputRows(0), D = call.InputDim(0, 1), S = call.InputRows(1) - 1;
  const Real* dy = call.Input(0);
  const int32_t* offsets = call.Integers(1);
  const Out<Real> dx = call.Output(0);
  if (int32_t code = CheckOffsets(call, offsets, S, N)) return code;
  for (int64_t s = 0; s < S; ++s) {
    const int32_t length = offsets[s + 1] - offsets[s];
    for (int64_t n = offsets[s]; n < offsets[s + 1]; ++n) {
      for (int64_t d = 0; d < D; ++d)
        dx[n * D + d] = static_cast<Real>(double{dy[s * D + d]} / length);
    }
  }
  return plugins::kOk;
}

template int32_t MeanPool(Call<float>&);
template int32_t MeanPool(Call<double>&);
template int32_t MeanPoolBackward(Call<float>&);
template int32_t MeanPoolBackward(Call<double>&);

}  // namespace shoal::reference
