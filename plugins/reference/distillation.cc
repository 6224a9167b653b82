// SOFTMAX of a teacher's logits, and DISTILLATION_LOSS against it (Hinton et al. 2015).
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "plugins/reference/ops.h"
#include "plugins/reference/softmax.h"

namespace shoal::reference {

template <class Real>
int32_t Softmax(Call<Real>& call) {
  const auto& attr = call.attr.softmax;
  const int64_t N = call.InputRows(0), V = call.InputDim(0, 1);
  const int64_t real = RealVocabulary(attr.real_vocab, V);
  const bool add = attr.write == SHOAL_WRITE_ADD;
  const Real* logits = call.Input(0);
  const Out<Real> p = add ? call.InOut(0) : call.Output(0);
  for (int64_t n = 0; n < N; ++n) {
    const RowSoftmax<Real> softmax(logits + n * V, real, double{attr.scale});
    for (int64_t v = 0; v < V; ++v) {
      const int64_t e = n * V + v;
      const double share = v < real ? double{attr.weight} * softmax.P(logits[e]) : 0.0;
      p[e] = static_cast<Real>(share + (add ? double{p[e]} : 0.0));
    }
  }
  return plugins::kOk;
}

template <class Real>
int32_t DistillationLoss(Call<Real>& call) {
  const auto& attr = call.attr.distillation;
  const int64_t N = call.InputRows(0), V = call.InputDim(0, 1);
  const int64_t real = RealVocabulary(attr.real_vocab, V);
  const double T = double{attr.temperature}, w = double{attr.weight};
  const double smoothing = call.scalars.training != 0 ? double{attr.label_smoothing} : 0.0;
  const double scale = double{call.scalars.loss_scale};
  const Real* logits = call.Input(0);
  const int32_t* targets = call.Integers(1);
  const Real* teacher = call.Input(2);
  const Out<Real> loss = call.Output(0);
  const Out<Real> dlogits = call.Output(1);
  for (int64_t n = 0; n < N; ++n) {
    const Real* row = logits + n * V;
    const Real* p = teacher + n * V;
    if (targets[n] == kNotCounted) {
      loss[n] = 0;
      if (dlogits) std::fill_n(dlogits + n * V, V, Real{0});
      continue;
    }
    if (targets[n] < 0 || targets[n] >= real)
      return call.RefuseIndex("targets", n, targets[n], -1, real);
    const RowSoftmax<Real> soft(row, real, 1 / T), hard(row, real);
    const SmoothTarget target{targets[n], smoothing, real};
    double divergence = 0;
    for (int64_t v = 0; v < real; ++v) {
      const double share = double{p[v]};
      if (share > 0) divergence += share * (std::log(share) + soft.MinusLogP(row[v]));
    }
    loss[n] = static_cast<Real>((1 - w) * target.Loss(row, hard) + w * T * T * divergence);
    if (!dlogits) continue;
    for (int64_t v = 0; v < real; ++v) {
      const double gradient =
          (1 - w) * (hard.P(row[v]) - target.Weight(v)) + w * T * (soft.P(row[v]) - double{p[v]});
      dlogits[n * V + v] = static_cast<Real>(gradient * scale);
    }
    std::fill_n(dlogits + n * V + real, V - real, Real{0});
  }
  return plugins::kOk;
}

template int32_t Softmax(Call<float>&);
template int32_t Softmax(Call<double>&);
template int32_t DistillationLoss(Call<float>&);
template int32_t DistillationLoss(Call<double>&);

}  // namespace shoal::reference
