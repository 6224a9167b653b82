// SOFTMAX of a teacher's logits, and DISTILLATION_LOSS against it.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/distillation.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include <cmath>

#include "plugins/onednn/device.h"
#include "plugins/onednn/softmax-inl.h"

#ifndef SHOAL_PLUGINS_ONEDNN_DISTILLATION_ARGS_
#define SHOAL_PLUGINS_ONEDNN_DISTILLATION_ARGS_
namespace shoal::onednn {
struct SoftmaxArgs {
  Array logits;
  float* p;
  int64_t vocab, real_vocab;
  float scale, weight;
  bool add;
};
struct DistillationArgs {
  Array logits, dlogits;  // dlogits.data may be null, or the logits'
  const int32_t* targets;
  const float* p;
  float* loss;
  int64_t vocab, real_vocab;
  float temperature, weight, smoothing, scale;
};
}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

// A row's softmax at one temperature: exp(scale (x - largest)) / denominator.
struct RowSoftmax {
  float largest, scale, denominator;

  template <class T>
  RowSoftmax(const T* row, int64_t count, float most, float inverse_temperature)
      : largest(most),
        scale(inverse_temperature),
        denominator(ScaledDenominator(row, count, most, inverse_temperature)) {}
  V Exponent(V x) const { return hn::Mul(hn::Sub(x, Broadcast(largest)), Broadcast(scale)); }
};

template <class T>
void SoftmaxRow(const SoftmaxArgs& a, const T* logits, float* p) {
  const RowSoftmax softmax(logits, a.real_vocab, RowLargest(logits, a.real_vocab), a.scale);
  const V share = Broadcast(a.weight / softmax.denominator);
  ForLanes(a.real_vocab, [&](int64_t i, auto lanes) {
    const V v = hn::Mul(Exp(softmax.Exponent(Load(logits + i, lanes))), share);
    Store(a.add ? hn::Add(v, Load(p + i, lanes)) : v, p + i, lanes);
  });
  if (!a.add) ClearRow(p, a.real_vocab, a.vocab);
}

// sum over v of p log(p / q)
template <class T>
float Divergence(const RowSoftmax& q, const T* logits, const float* p, int64_t count) {
  const V smallest = Broadcast(1.17549435e-38f);  // p log p vanishes below
  const V log_denominator = Broadcast(std::log(q.denominator));
  V total = hn::Zero(kF);
  ForLanes(count, [&](int64_t i, auto lanes) {
    const V share = Load(p + i, lanes);  // 0 in the lanes not in use
    const V log_q = hn::Sub(q.Exponent(Load(logits + i, lanes)), log_denominator);
    const V term = hn::Mul(share, hn::Sub(Log(hn::Max(share, smallest)), log_q));
    total = hn::Add(total, hn::IfThenElseZero(hn::Ge(share, smallest), term));
  });
  return Total(total);
}

// One counted row. Reads run ahead of writes, so that the gradient may replace the logits.
template <class Logit, class Gradient>
float LossRow(const DistillationArgs& a, const Logit* logits, int32_t target, const float* p,
              Gradient* gradient) {
  const float largest = RowLargest(logits, a.real_vocab);
  const RowSoftmax hard(logits, a.real_vocab, largest, 1.0f);
  const RowSoftmax soft(logits, a.real_vocab, largest, 1.0f / a.temperature);
  const float at_target = GetLane(Load(logits + target, First{1}));
  const float uniform = a.smoothing / static_cast<float>(a.real_vocab);
  float entropy = std::log(hard.denominator) + (largest - at_target);
  if (a.smoothing > 0) entropy -= uniform * CenteredSum(logits, a.real_vocab, at_target);
  const float divergence = Divergence(soft, logits, p, a.real_vocab);
  const float loss =
      (1.0f - a.weight) * entropy + a.weight * a.temperature * a.temperature * divergence;
  if (gradient == nullptr) return loss;

  const float label_share = (1.0f - a.weight) * a.scale,
              teacher_share = a.weight * a.temperature * a.scale;
  const V hard_share = Broadcast(label_share / hard.denominator);
  const V soft_share = Broadcast(teacher_share / soft.denominator);
  const V spread = Broadcast(label_share * uniform), taught = Broadcast(teacher_share);
  const auto at = [&](V x, V share) {
    const V sum =
        hn::MulAdd(Exp(hard.Exponent(x)), hard_share, hn::Mul(Exp(soft.Exponent(x)), soft_share));
    return hn::Sub(hn::NegMulAdd(share, taught, sum), spread);
  };
  const float own = GetLane(at(Broadcast(at_target), Broadcast(p[target])));
  ForLanes(a.real_vocab, [&](int64_t i, auto lanes) {
    Store(at(Load(logits + i, lanes), Load(p + i, lanes)), gradient + i, lanes);
  });
  Store(Broadcast(own - label_share * (1.0f - a.smoothing)), gradient + target, First{1});
  ClearRow(gradient, a.real_vocab, a.vocab);
  return loss;
}

}  // namespace

void SoftmaxRows(const SoftmaxArgs& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    WithType(a.logits, n * a.vocab,
             [&](auto* logits) { SoftmaxRow(a, logits, a.p + n * a.vocab); });
  }
}

void DistillationRows(const DistillationArgs& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const int32_t target = a.targets[n];
    const float* const p = a.p + n * a.vocab;
    WithType(a.logits, n * a.vocab, [&](auto* logits) {
      if (a.dlogits.data == nullptr) {
        a.loss[n] =
            target >= 0 ? LossRow(a, logits, target, p, static_cast<float*>(nullptr)) : 0.0f;
        return;
      }
      WithType(a.dlogits, n * a.vocab, [&](auto* gradient) {
        a.loss[n] = target >= 0 ? LossRow(a, logits, target, p, gradient) : 0.0f;
        if (target < 0) ClearRow(gradient, 0, a.vocab);
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
HWY_EXPORT(SoftmaxRows);
HWY_EXPORT(DistillationRows);

int64_t RealVocabulary(int64_t asked, int64_t vocab) { return asked > 0 ? asked : vocab; }

class Softmax final : public Operation {
 public:
  explicit Softmax(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const auto& attr = site_.op.attr.softmax;
    const Tensor& logits = site_.in[0];
    const SoftmaxArgs args = {logits.array(),
                              site_.out[0].As<float>(),
                              logits.width(),
                              RealVocabulary(attr.real_vocab, logits.width()),
                              attr.scale,
                              attr.weight,
                              attr.write == SHOAL_WRITE_ADD};
    site_.device.team.Split(logits.rows(scalars), args.vocab * 8, 1,
                            [&](int64_t begin, int64_t end, int) {
                              HWY_DYNAMIC_DISPATCH(SoftmaxRows)(args, begin, end);
                            });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class DistillationLoss final : public Operation {
 public:
  explicit DistillationLoss(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const auto& attr = site_.op.attr.distillation;
    const Tensor &logits = site_.in[0], &targets = site_.in[1];
    const int64_t rows = logits.rows(scalars),
                  real = RealVocabulary(attr.real_vocab, logits.width());
    if (int32_t code =
            CheckIndices(site_, "targets", targets.As<int32_t>(), rows, -1, real, status))
      return code;
    const DistillationArgs args = {logits.array(),
                                   site_.out[1].array(),
                                   targets.As<int32_t>(),
                                   site_.in[2].As<float>(),
                                   site_.out[0].As<float>(),
                                   logits.width(),
                                   real,
                                   attr.temperature,
                                   attr.weight,
                                   scalars.training != 0 ? attr.label_smoothing : 0.0f,
                                   scalars.loss_scale};
    site_.device.team.Split(rows, args.vocab * 24, 1, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(DistillationRows)(args, begin, end);
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakeSoftmax(const Site& site) { return std::make_unique<Softmax>(site); }
std::unique_ptr<Operation> MakeDistillationLoss(const Site& site) {
  return std::make_unique<DistillationLoss>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
