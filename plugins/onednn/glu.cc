// GLU and its backward: one half of a row, activated, times the other half.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/glu.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/activation-inl.h"
#include "plugins/onednn/device.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

// Rows [begin, end) of y[N,F] = act(gate) * up.
void GluRows(int32_t activation, Array gate_up, Array y, int64_t width, int64_t begin,
             int64_t end) {
  WithActivation(activation, [&](auto act) {
    WithType(gate_up, 0, [&](auto* from) {
      auto* const to = static_cast<decltype(from)>(y.data);
      for (int64_t n = begin; n < end; ++n) {
        const auto* const gate = from + n * 2 * width;
        ForLanes(width, [&](int64_t i, auto lanes) {
          const V v = act.Value(Load(gate + i, lanes));
          Store(hn::Mul(v, Load(gate + width + i, lanes)), to + n * width + i, lanes);
        });
      }
    });
  });
}

void GluBackwardRows(int32_t activation, Array dy, Array gate_up, Array dgate_up, int64_t width,
                     int64_t begin, int64_t end) {
  WithActivation(activation, [&](auto act) {
    WithType(gate_up, 0, [&](auto* from) {
      const auto* const gradient = static_cast<decltype(from)>(dy.data);
      auto* const out = static_cast<decltype(from)>(dgate_up.data);
      for (int64_t n = begin; n < end; ++n) {
        const auto* const gate = from + n * 2 * width;
        auto* const to = out + n * 2 * width;
        ForLanes(width, [&](int64_t i, auto lanes) {
          const V d = Load(gradient + n * width + i, lanes), g = Load(gate + i, lanes);
          const V up = Load(gate + width + i, lanes);
          Store(hn::Mul(hn::Mul(d, up), act.Slope(g)), to + i, lanes);
          Store(hn::Mul(d, act.Value(g)), to + width + i, lanes);
        });
      }
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(GluRows);
HWY_EXPORT(GluBackwardRows);

class Glu final : public Operation {
 public:
  explicit Glu(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status*) override {
    const int32_t activation = site_.op.attr.activation.activation;
    const Array first = site_.in[0].array(), out = site_.out[0].array();
    const bool forward = site_.op.kind == SHOAL_OP_GLU;
    const int64_t rows = site_.in[0].rows(scalars);
    const int64_t width = (forward ? site_.out[0] : site_.in[0]).width();
    site_.device.team.Split(rows, width * 6, 1, [&](int64_t begin, int64_t end, int) {
      if (forward) {
        HWY_DYNAMIC_DISPATCH(GluRows)(activation, first, out, width, begin, end);
      } else {
        HWY_DYNAMIC_DISPATCH(GluBackwardRows)
        (activation, first, site_.in[1].array(), out, width, begin, end);
      }
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakeGlu(const Site& site) { return std::make_unique<Glu>(site); }

}  // namespace shoal::onednn
#endif  // HWY_ONCE
