// SUM and GLOBAL_NORM: f64 sums over blocks of a fixed size, then over the blocks in order, so that
// the result depends on neither threads nor vector width of the machine's team.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/reduce.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include <cmath>

#include "plugins/onednn/device.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

// The f64 sum of x[0..count), or of its squares.
double BlockTotal(const float* x, int64_t count, bool squares) {
  const hn::ScalableTag<double> wide;
  auto low = hn::Zero(wide), high = hn::Zero(wide);
  ForLanes(count, [&](int64_t i, auto lanes) {
    const V v = Load(x + i, lanes);
    const auto a = hn::PromoteTo(wide, hn::LowerHalf(v));
    const auto b = hn::PromoteTo(wide, hn::UpperHalf(hn::Half<Floats>(), v));
    low = squares ? hn::MulAdd(a, a, low) : hn::Add(low, a);
    high = squares ? hn::MulAdd(b, b, high) : hn::Add(high, b);
  });
  return hn::GetLane(hn::SumOfLanes(wide, hn::Add(low, high)));
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(BlockTotal);

class Reduction final : public Operation {
 public:
  explicit Reduction(const Site& site) : site_(site) {
    const int64_t most = site.in[0].capacity() * site.in[0].width();
    site.device.workspace.Reserve((most + kBlock - 1) / kBlock *
                                  static_cast<int64_t>(sizeof(double)));
  }

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const bool norm = site_.op.kind == SHOAL_OP_GLOBAL_NORM;
    const float* const x = site_.in[0].As<float>();
    const int64_t count = site_.in[0].elements(scalars), blocks = (count + kBlock - 1) / kBlock;
    double* const totals = site_.device.workspace.Get<double>();
    site_.device.team.Split(blocks, kBlock, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t b = begin; b < end; ++b) {
        const int64_t first = b * kBlock, size = count - first < kBlock ? count - first : kBlock;
        totals[b] = HWY_DYNAMIC_DISPATCH(BlockTotal)(x + first, size, norm);
      }
    });
    double total = 0;
    for (int64_t b = 0; b < blocks; ++b) total += totals[b];
    *site_.out[0].As<float>() = static_cast<float>(norm ? std::sqrt(total) : total);
    return plugins::kOk;
  }

 private:
  static constexpr int64_t kBlock = 8192;  // elements
  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakeReduction(const Site& site) {
  return std::make_unique<Reduction>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
