#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/cross_entropy.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include <cmath>

#include "plugins/onednn/cross_entropy.h"
#include "plugins/onednn/device.h"
#include "plugins/onednn/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// One counted row. Reads run ahead of writes, so that the gradient may replace the logits.
template <class Logit, class Gradient>
float Row(const CrossEntropyRowsArgs& a, const Logit* logits, int32_t target, Gradient* gradient,
          float* sums) {
  const float largest = RowLargest(logits, a.real_vocab);
  const float denominator = RowDenominator(logits, a.real_vocab, largest);
  const float at_target = GetLane(Load(logits + target, First{1}));
  float loss = std::log(denominator) + (largest - at_target);
  const float uniform = a.smoothing / static_cast<float>(a.real_vocab);
  // -log p(v) is the target's plus x(target) - x(v): the mean of that is what smoothing adds.
  if (a.smoothing > 0) loss -= uniform * CenteredSum(logits, a.real_vocab, at_target);
  if (gradient == nullptr) return loss;
  const float factor = a.scale / denominator;
  const V center = Broadcast(largest), share = Broadcast(factor);
  const V spread = Broadcast(uniform * a.scale);
  ForLanes(a.real_vocab, [&](int64_t i, auto lanes) {
    const V p = hn::Mul(Exp(hn::Sub(Load(logits + i, lanes), center)), share);
    const V g = a.smoothing > 0 ? hn::Sub(p, spread) : p;
    Store(g, gradient + i, lanes);
    if (sums != nullptr) Store(hn::Add(Load(sums + i, lanes), g), sums + i, lanes);
  });
  if (sums != nullptr) sums[target] -= (1.0f - a.smoothing) * a.scale;
  const float own = GetLane(Exp(Broadcast(at_target - largest))) / denominator;
  const float wanted = 1.0f - a.smoothing + uniform;
  Store(Broadcast((own - wanted) * a.scale), gradient + target, First{1});
  ClearRow(gradient, a.real_vocab, a.vocab);
  return loss;
}

}  // namespace

void LossRows(const CrossEntropyRowsArgs& a, int64_t begin, int64_t end, int thread) {
  float* const sums = a.sums == nullptr ? nullptr : a.sums + thread * a.sums_stride;
  for (int64_t n = begin; n < end; ++n) {
    const int32_t target = a.targets[n];
    const bool counted = target >= 0;
    WithType(a.logits, n * a.logits_stride, [&](auto* logits) {
      if (a.dlogits.data == nullptr) {
        a.loss[n] = counted ? Row(a, logits, target, static_cast<float*>(nullptr), sums) : 0.0f;
        return;
      }
      WithType(a.dlogits, n * a.dlogits_stride, [&](auto* gradient) {
        a.loss[n] = counted ? Row(a, logits, target, gradient, sums) : 0.0f;
        if (!counted) ClearRow(gradient, 0, a.vocab);
      });
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(LossRows);

class CrossEntropy final : public Operation {
 public:
  explicit CrossEntropy(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &logits = site_.in[0], &targets = site_.in[1];
    const int64_t rows = logits.rows(scalars), vocab = logits.width(),
                  asked = site_.op.attr.linear.real_vocab;
    const int64_t real = asked > 0 ? asked : vocab;
    if (int32_t code =
            CheckIndices(site_, "targets", targets.As<int32_t>(), rows, -1, real, status))
      return code;
    CrossEntropyRows(
        site_.device.team,
        {logits.array(), site_.out[1].array(), vocab, vocab, targets.As<int32_t>(),
         site_.out[0].As<float>(), vocab, real, scalars.loss_scale,
         scalars.training != 0 ? site_.op.attr.linear.label_smoothing : 0.0f, nullptr, 0},
        rows);
    return plugins::kOk;
  }

 private:
  const Site site_;
};

}  // namespace

void CrossEntropyRows(const Team& team, const CrossEntropyRowsArgs& args, int64_t rows) {
  team.Split(rows, args.real_vocab * 8, 1, [&](int64_t begin, int64_t end, int thread) {
    HWY_DYNAMIC_DISPATCH(LossRows)(args, begin, end, thread);
  });
}

std::unique_ptr<Operation> MakeCrossEntropy(const Site& site) {
  return std::make_unique<CrossEntropy>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
