// ADAMW: clipping, both moments, decoupled decay and the bf16 copy, in one pass of 28 to 30 bytes
// per parameter. The pass is bound by memory, so nothing here is done twice. MOVING_AVERAGE, which
// is as simple.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/optimizer.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include <cmath>

#include "plugins/onednn/device.h"
#include "plugins/onednn/vector-inl.h"

#ifndef SHOAL_PLUGINS_ONEDNN_OPTIMIZER_ARGS_
#define SHOAL_PLUGINS_ONEDNN_OPTIMIZER_ARGS_
namespace shoal::onednn {
struct AdamwArgs {
  const float* g;
  float *p, *m, *v;
  plugins::Bfloat16* copy;           // or null
  float clip;                        // what g is multiplied by
  float beta1, beta2, rest1, rest2;  // rest = 1 - beta
  float rate;                        // lr / (1 - beta1^t)
  float correction2;                 // 1 / (1 - beta2^t)
  float eps, keep;                   // keep = 1 - lr decay
};
}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

void AdamwRange(const AdamwArgs& a, int64_t begin, int64_t end) {
  const V clip = Broadcast(a.clip), beta1 = Broadcast(a.beta1), beta2 = Broadcast(a.beta2);
  const V rest1 = Broadcast(a.rest1), rest2 = Broadcast(a.rest2), rate = Broadcast(a.rate);
  const V correction2 = Broadcast(a.correction2), eps = Broadcast(a.eps), keep = Broadcast(a.keep);
  ForLanes(end - begin, [&](int64_t offset, auto lanes) {
    const int64_t i = begin + offset;
    const V g = hn::Mul(Load(a.g + i, lanes), clip);
    const V m = hn::MulAdd(rest1, g, hn::Mul(beta1, Load(a.m + i, lanes)));
    const V v = hn::MulAdd(hn::Mul(rest2, g), g, hn::Mul(beta2, Load(a.v + i, lanes)));
    const V spread = hn::Add(hn::Sqrt(hn::Mul(v, correction2)), eps);
    const V p = hn::NegMulAdd(rate, hn::Div(m, spread), hn::Mul(Load(a.p + i, lanes), keep));
    Store(m, a.m + i, lanes);
    Store(v, a.v + i, lanes);
    Store(p, a.p + i, lanes);
    if (a.copy != nullptr) Store(p, a.copy + i, lanes);
  });
}

// average = keep average + rest x; copy may be null.
void AverageRange(const float* x, float* average, Bfloat16* copy, float keep, float rest,
                  int64_t begin, int64_t end) {
  const V old_share = Broadcast(keep), new_share = Broadcast(rest);
  ForLanes(end - begin, [&](int64_t offset, auto lanes) {
    const int64_t i = begin + offset;
    const V v =
        hn::MulAdd(new_share, Load(x + i, lanes), hn::Mul(old_share, Load(average + i, lanes)));
    Store(v, average + i, lanes);
    if (copy != nullptr) Store(v, copy + i, lanes);
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(AdamwRange);
HWY_EXPORT(AverageRange);
constexpr int64_t kBorder = 64;

class Adamw final : public Operation {
 public:
  explicit Adamw(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const auto& attr = site_.op.attr.adamw;
    const double t = static_cast<double>(scalars.step) + 1.0;
    const double lr = double{scalars.lr} * double{attr.lr_multiplier};
    double clip = 1.0;
    if (attr.clip > 0)
      clip = std::fmin(1.0, double{attr.clip} / (double{*site_.in[1].As<float>()} + 1e-6));
    const AdamwArgs args = {site_.in[0].As<float>(),
                            site_.out[0].As<float>(),
                            site_.out[1].As<float>(),
                            site_.out[2].As<float>(),
                            site_.out[3].As<plugins::Bfloat16>(),
                            static_cast<float>(clip),
                            attr.beta1,
                            attr.beta2,
                            static_cast<float>(1.0 - double{attr.beta1}),
                            static_cast<float>(1.0 - double{attr.beta2}),
                            static_cast<float>(lr / (1.0 - std::pow(double{attr.beta1}, t))),
                            static_cast<float>(1.0 / (1.0 - std::pow(double{attr.beta2}, t))),
                            attr.eps,
                            static_cast<float>(1.0 - lr * double{attr.weight_decay})};
    site_.device.team.Split(site_.in[0].elements(scalars), 8, kBorder,
                            [&](int64_t begin, int64_t end, int) {
                              HWY_DYNAMIC_DISPATCH(AdamwRange)(args, begin, end);
                            });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class MovingAverage final : public Operation {
 public:
  explicit MovingAverage(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const double t = static_cast<double>(scalars.step) + 1.0;
    const double decay =
        std::fmin(double{site_.op.attr.moving_average.decay}, (1.0 + t) / (10.0 + t));
    site_.device.team.Split(
        site_.in[0].elements(scalars), 4, kBorder, [&](int64_t begin, int64_t end, int) {
          HWY_DYNAMIC_DISPATCH(AverageRange)
          (site_.in[0].As<float>(), site_.out[0].As<float>(), site_.out[1].As<plugins::Bfloat16>(),
           static_cast<float>(decay), static_cast<float>(1.0 - decay), begin, end);
        });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakeMovingAverage(const Site& site) {
  return std::make_unique<MovingAverage>(site);
}
std::unique_ptr<Operation> MakeAdamw(const Site& site) { return std::make_unique<Adamw>(site); }

}  // namespace shoal::onednn
#endif  // HWY_ONCE
