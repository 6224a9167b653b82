// CROSS_ENTROPY, alone and together with the linear layer before it.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"

namespace shoal::reference {
namespace {

constexpr int32_t kNotCounted = -1;

// -log softmax(logits)[target], and in `gradient` (softmax - onehot) * scale. `gradient` may be
// `logits`.
template <class Real>
double RowLoss(const Real* logits, int64_t V, int32_t target, double scale, Real* gradient) {
  const double largest = double{*std::max_element(logits, logits + V)};
  double denominator = 0;
  for (int64_t v = 0; v < V; ++v) denominator += std::exp(double{logits[v]} - largest);
  const double loss = largest + std::log(denominator) - double{logits[target]};
  if (gradient == nullptr) return loss;
  for (int64_t v = 0; v < V; ++v) {
    const double p = std::exp(double{logits[v]} - largest) / denominator;
    gradient[v] = static_cast<Real>((p - (v == target ? 1 : 0)) * scale);
  }
  return loss;
}

// Columns that take part: V, unless the attributes name fewer.
int64_t RealVocabulary(int64_t real_vocab, int64_t V) { return real_vocab > 0 ? real_vocab : V; }

}  // namespace

template <class Real>
int32_t CrossEntropy(Call<Real>& call) {
  const int64_t N = call.InputRows(0), V = call.InputDim(0, 1);
  const int64_t real = RealVocabulary(call.attr.linear.real_vocab, V);
  const Real* logits = call.Input(0);
  const int32_t* targets = call.Integers(1);
  const Out<Real> loss = call.Output(0);
  const Out<Real> dlogits = call.Output(1);
  const double scale = double{call.scalars.loss_scale};
  for (int64_t n = 0; n < N; ++n) {
    Real* gradient = dlogits ? dlogits + n * V : nullptr;
    if (targets[n] == kNotCounted) {
      loss[n] = 0;
      if (gradient != nullptr) std::fill_n(gradient, V, Real{0});
      continue;
    }
    if (targets[n] < 0 || targets[n] >= real)
      return call.RefuseIndex("targets", n, targets[n], -1, real);
    loss[n] = static_cast<Real>(RowLoss(logits + n * V, real, targets[n], scale, gradient));
    if (gradient != nullptr) std::fill_n(gradient + real, V - real, Real{0});
  }
  return plugins::kOk;
}

template <class Real>
int32_t LinearCrossEntropy(Call<Real>& call) {
  const int64_t N = call.InputRows(0), V = call.InputDim(1, 0), D = call.InputDim(1, 1);
  const int64_t real = RealVocabulary(call.attr.linear.real_vocab, V);
  const Real* hidden = call.Input(0);
  const Real* w = call.Input(1);
  const int32_t* targets = call.Integers(2);
  const Out<Real> loss = call.Output(0);
  const Out<Real> dh = call.Output(1);
  const Out<Real> dw = call.Gradient(2, call.attr.linear.write);
  Real* logits = call.Scratch(V);  // of one row, then their gradient
  double* dh_row = call.Sums(D);
  double* dw_sums = dw ? call.Sums(V * D) : nullptr;
  const double scale = double{call.scalars.loss_scale};

  for (int64_t n = 0; n < N; ++n) {
    const Real* h = hidden + n * D;
    std::fill_n(dh_row, D, 0.0);
    if (targets[n] == kNotCounted) {
      loss[n] = 0;
    } else {
      if (targets[n] < 0 || targets[n] >= real)
        return call.RefuseIndex("targets", n, targets[n], -1, real);
      for (int64_t v = 0; v < real; ++v) logits[v] = static_cast<Real>(Dot(h, w + v * D, D));
      loss[n] = static_cast<Real>(RowLoss(logits, real, targets[n], scale, logits));
      for (int64_t v = 0; v < real; ++v) {
        if (dh) AddScaled(double{logits[v]}, w + v * D, D, dh_row);
        if (dw) AddScaled(double{logits[v]}, h, D, dw_sums + v * D);
      }
    }
    if (dh) {
      for (int64_t d = 0; d < D; ++d) dh[n * D + d] = static_cast<Real>(dh_row[d]);
    }
  }
  if (dw) {
    for (int64_t e = 0; e < V * D; ++e) dw[e] += static_cast<Real>(dw_sums[e]);
  }
  return plugins::kOk;
}

template int32_t CrossEntropy(Call<float>&);
template int32_t CrossEntropy(Call<double>&);
template int32_t LinearCrossEntropy(Call<float>&);
template int32_t LinearCrossEntropy(Call<double>&);

}  // namespace shoal::reference
