// CROSS_ENTROPY, alone and together with the linear layer before it.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"
#include "plugins/reference/softmax.h"

namespace shoal::reference {
namespace {

// The loss of one row, and in `gradient` (softmax - target) * scale. `gradient` may be `logits`.
template <class Real>
double RowLoss(const Real* logits, const SmoothTarget& target, double scale, Real* gradient) {
  const RowSoftmax<Real> softmax(logits, target.count);
  const double loss = target.Loss(logits, softmax);
  if (gradient == nullptr) return loss;
  for (int64_t v = 0; v < target.count; ++v)
    gradient[v] = static_cast<Real>((softmax.P(logits[v]) - target.Weight(v)) * scale);
  return loss;
}

template <class Real>
double Smoothing(const Call<Real>& call) {
  return call.scalars.training != 0 ? double{call.attr.linear.label_smoothing} : 0.0;
}

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
    const SmoothTarget target{targets[n], Smoothing(call), real};
    loss[n] = static_cast<Real>(RowLoss(logits + n * V, target, scale, gradient));
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
  const Real* b = call.Input(3);
  const Out<Real> loss = call.Output(0);
  const Out<Real> dh = call.Output(1);
  const Out<Real> dw = call.Gradient(2, call.attr.linear.write);
  const Out<Real> db = call.Gradient(3, call.attr.linear.write);
  Real* logits = call.Scratch(V);  // of one row, then their gradient
  double* dh_row = call.Sums(D);
  double* dw_sums = dw ? call.Sums(V * D) : nullptr;
  double* db_sums = call.Sums(V);
  const double scale = double{call.scalars.loss_scale};

  for (int64_t n = 0; n < N; ++n) {
    const Real* h = hidden + n * D;
    std::fill_n(dh_row, D, 0.0);
    if (targets[n] == kNotCounted) {
      loss[n] = 0;
    } else {
      if (targets[n] < 0 || targets[n] >= real)
        return call.RefuseIndex("targets", n, targets[n], -1, real);
      for (int64_t v = 0; v < real; ++v)
        logits[v] = static_cast<Real>(Dot(h, w + v * D, D) + (b != nullptr ? double{b[v]} : 0.0));
      const SmoothTarget target{targets[n], Smoothing(call), real};
      loss[n] = static_cast<Real>(RowLoss(logits, target, scale, logits));
      for (int64_t v = 0; v < real; ++v) {
        db_sums[v] += double{logits[v]};
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
  if (db) {
    for (int64_t v = 0; v < V; ++v) db[v] += static_cast<Real>(db_sums[v]);
  }
  return plugins::kOk;
}

template int32_t CrossEntropy(Call<float>&);
template int32_t CrossEntropy(Call<double>&);
template int32_t LinearCrossEntropy(Call<float>&);
template int32_t LinearCrossEntropy(Call<double>&);

}  // namespace shoal::reference
