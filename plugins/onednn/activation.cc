#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/activation.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/activation-inl.h"
#include "plugins/onednn/activation.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
void ActivateRange(int32_t activation, Array x, Array y, int64_t begin, int64_t end) {
  WithActivation(activation, [&](auto act) {
    WithType(x, begin, [&](auto* from) {
      WithType(y, begin, [&](auto* to) {
        ForLanes(end - begin, [&](int64_t i, auto lanes) {
          Store(act.Value(Load(from + i, lanes)), to + i, lanes);
        });
      });
    });
  });
}

void ActivateBackwardRange(int32_t activation, Array dy, Array saved, Array dx, int64_t begin,
                           int64_t end) {
  WithActivation(activation, [&](auto act) {
    WithType(dy, begin, [&](auto* from) {
      WithType(saved, begin, [&](auto* at) {
        WithType(dx, begin, [&](auto* to) {
          ForLanes(end - begin, [&](int64_t i, auto lanes) {
            Store(hn::Mul(Load(from + i, lanes), act.Slope(Load(at + i, lanes))), to + i, lanes);
          });
        });
      });
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(ActivateRange);
HWY_EXPORT(ActivateBackwardRange);
constexpr int64_t kBorder = 64;  // ranges begin on cache lines
}  // namespace

void Activate(const Team& team, int32_t activation, Array x, Array y, int64_t count) {
  team.Split(count, 2, kBorder, [&](int64_t begin, int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(ActivateRange)(activation, x, y, begin, end);
  });
}

void ActivateBackward(const Team& team, int32_t activation, Array dy, Array saved, Array dx,
                      int64_t count) {
  team.Split(count, 3, kBorder, [&](int64_t begin, int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(ActivateBackwardRange)(activation, dy, saved, dx, begin, end);
  });
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
