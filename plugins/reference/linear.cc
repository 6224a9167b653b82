// LINEAR and its two gradients: the matrix products of a network.
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"

namespace shoal::reference {

// y = act(x w^T + b)
template <class Real>
int32_t Linear(Call<Real>& call) {
  const int64_t N = call.InputRows(0), K = call.InputDim(0, 1), M = call.InputDim(1, 0);
  const Real* x = call.Input(0);
  const Real* w = call.Input(1);
  const Real* b = call.Input(2);
  const Out<Real> y = call.Output(0);
  const Out<Real> pre = call.Output(1);
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t m = 0; m < M; ++m) {
      const double value = Dot(x + n * K, w + m * K, K) + (b != nullptr ? double{b[m]} : 0.0);
      if (pre) pre[n * M + m] = static_cast<Real>(value);
      y[n * M + m] = static_cast<Real>(Activate(call.attr.linear.activation, value));
    }
  }
  return plugins::kOk;
}

// dx = (dy w) * act'(saved)
template <class Real>
int32_t LinearBackwardData(Call<Real>& call) {
  const int64_t N = call.InputRows(0), M = call.InputDim(1, 0), K = call.InputDim(1, 1);
  const Real* dy = call.Input(0);
  const Real* w = call.Input(1);
  const Real* saved = call.Input(2);
  const Out<Real> dx = call.Output(0);
  double* row = call.Sums(K);
  for (int64_t n = 0; n < N; ++n) {
    std::fill_n(row, K, 0.0);
    for (int64_t m = 0; m < M; ++m) AddScaled(double{dy[n * M + m]}, w + m * K, K, row);
    for (int64_t k = 0; k < K; ++k) {
      const double slope =
          saved != nullptr ? ActivationSlope(call.attr.linear.activation, double{saved[n * K + k]})
                           : 1.0;
      dx[n * K + k] = static_cast<Real>(row[k] * slope);
    }
  }
  return plugins::kOk;
}

// dw = dy^T x, db = column sums of dy
template <class Real>
int32_t LinearBackwardWeights(Call<Real>& call) {
  const int64_t N = call.InputRows(0), M = call.InputDim(0, 1), K = call.InputDim(1, 1);
  const Real* dy = call.Input(0);
  const Real* x = call.Input(1);
  const Out<Real> dw = call.Gradient(0, call.attr.linear.write);
  const Out<Real> db = call.Gradient(1, call.attr.linear.write);
  double* row = call.Sums(K);
  for (int64_t m = 0; m < M; ++m) {
    std::fill_n(row, K, 0.0);
    double column = 0;
    for (int64_t n = 0; n < N; ++n) {
      AddScaled(double{dy[n * M + m]}, x + n * K, K, row);
      column += double{dy[n * M + m]};
    }
    for (int64_t k = 0; k < K; ++k) dw[m * K + k] += static_cast<Real>(row[k]);
    if (db) db[m] += static_cast<Real>(column);
  }
  return plugins::kOk;
}

template int32_t Linear(Call<float>&);
template int32_t Linear(Call<double>&);
template int32_t LinearBackwardData(Call<float>&);
template int32_t LinearBackwardData(Call<double>&);
template int32_t LinearBackwardWeights(Call<float>&);
template int32_t LinearBackwardWeights(Call<double>&);

}  // namespace shoal::reference
