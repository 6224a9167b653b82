// The operations that treat every element alone.
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"
#include "plugins/support/philox.h"

namespace shoal::reference {

template <class Real>
int32_t Add(Call<Real>& call) {
  const int64_t N = call.InputRows(0), D = call.InputDim(0, 1);
  const Real* a = call.Input(0);
  const Real* b = call.Input(1);
  const Out<Real> out = call.Output(0);
  const plugins::Dropout dropout(call.attr.dropout.dropout, call.attr.dropout.stream, call.scalars);
  Real* factors = call.Scratch(D);
  for (int64_t n = 0; n < N; ++n) {
    dropout.Factors(static_cast<uint64_t>(n * D), D, factors);
    for (int64_t d = 0; d < D; ++d) out[n * D + d] = a[n * D + d] + b[n * D + d] * factors[d];
  }
  return plugins::kOk;
}

template <class Real>
int32_t ApplyDropout(Call<Real>& call) {
  constexpr int64_t kBlock = 1024;
  const int64_t count = call.InputCount(0);
  const Real* x = call.Input(0);
  const Out<Real> y = call.Output(0);
  const plugins::Dropout dropout(call.attr.dropout.dropout, call.attr.dropout.stream, call.scalars);
  Real* factors = call.Scratch(kBlock);
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t size = std::min(kBlock, count - first);
    dropout.Factors(static_cast<uint64_t>(first), size, factors);
    for (int64_t i = 0; i < size; ++i) y[first + i] = x[first + i] * factors[i];
  }
  return plugins::kOk;
}

template <class Real>
int32_t Activation(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const Real* x = call.Input(0);
  const Out<Real> y = call.Output(0);
  for (int64_t i = 0; i < count; ++i) {
    y[i] = static_cast<Real>(Activate(call.attr.activation.activation, double{x[i]}));
  }
  return plugins::kOk;
}

template <class Real>
int32_t ActivationBackward(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const Real* dy = call.Input(0);
  const Real* saved = call.Input(1);
  const Out<Real> dx = call.Output(0);
  for (int64_t i = 0; i < count; ++i) {
    dx[i] = static_cast<Real>(double{dy[i]} *
                              ActivationSlope(call.attr.activation.activation, double{saved[i]}));
  }
  return plugins::kOk;
}

template <class Real>
int32_t Cast(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const Real* x = call.Input(0);
  const Out<Real> y = call.Output(0);
  for (int64_t i = 0; i < count; ++i) y[i] = x[i];
  return plugins::kOk;
}

template <class Real>
int32_t Fill(Call<Real>& call) {
  const int64_t count = call.OutputCount(0);
  const Out<Real> y = call.Output(0);
  for (int64_t i = 0; i < count; ++i) y[i] = Real{call.attr.fill.value};
  return plugins::kOk;
}

template <class Real>
int32_t Scale(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const bool add = call.attr.scale.write == SHOAL_WRITE_ADD;
  const double factor = double{call.attr.scale.value};
  const Real* x = call.Input(0);
  const Out<Real> y = add ? call.InOut(0) : call.Output(0);
  for (int64_t i = 0; i < count; ++i)
    y[i] = static_cast<Real>(factor * double{x[i]} + (add ? double{y[i]} : 0.0));
  return plugins::kOk;
}

template int32_t Add(Call<float>&);
template int32_t Add(Call<double>&);
template int32_t ApplyDropout(Call<float>&);
template int32_t ApplyDropout(Call<double>&);
template int32_t Activation(Call<float>&);
template int32_t Activation(Call<double>&);
template int32_t ActivationBackward(Call<float>&);
template int32_t ActivationBackward(Call<double>&);
template int32_t Cast(Call<float>&);
template int32_t Cast(Call<double>&);
template int32_t Fill(Call<float>&);
template int32_t Fill(Call<double>&);
template int32_t Scale(Call<float>&);
template int32_t Scale(Call<double>&);

}  // namespace shoal::reference
