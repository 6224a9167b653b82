#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/activation.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/abi/shoal_backend.h"
#include "plugins/onednn/activation.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace {

constexpr float kSqrt2OverPi = 0.7978845608f;
constexpr float kGeluCubic = 0.044715f;
constexpr float kSqrtHalf = 0.7071067812f;
constexpr float kInverseSqrt2Pi = 0.3989422804f;

struct Identity {
  static V Value(V x) { return x; }
  static V Slope(V) { return Broadcast(1.0f); }
};

struct Relu {
  static V Value(V x) { return hn::Max(x, hn::Zero(kF)); }
  static V Slope(V y) { return hn::IfThenElseZero(hn::Gt(y, hn::Zero(kF)), Broadcast(1.0f)); }
};

struct GeluTanh {
  static V Inner(V x) {
    return hn::Mul(Broadcast(kSqrt2OverPi),
                   hn::MulAdd(hn::Mul(hn::Mul(x, x), x), Broadcast(kGeluCubic), x));
  }
  static V Value(V x) {
    const V half = hn::Mul(Broadcast(0.5f), x);
    return hn::MulAdd(half, Tanh(Inner(x)), half);
  }
  static V Slope(V x) {
    const V t = Tanh(Inner(x));
    const V half = Broadcast(0.5f), one = Broadcast(1.0f);
    const V inner_slope =
        hn::Mul(Broadcast(kSqrt2OverPi), hn::MulAdd(hn::Mul(x, x), Broadcast(3 * kGeluCubic), one));
    const V bend = hn::Mul(hn::Mul(half, x), hn::Mul(hn::NegMulAdd(t, t, one), inner_slope));
    return hn::Add(hn::MulAdd(half, t, half), bend);
  }
};

struct GeluErf {
  static V Value(V x) {
    const V half = hn::Mul(Broadcast(0.5f), x);
    return hn::MulAdd(half, Erf(hn::Mul(x, Broadcast(kSqrtHalf))), half);
  }
  static V Slope(V x) {
    const V half = Broadcast(0.5f);
    const V density =
        hn::Mul(Broadcast(kInverseSqrt2Pi), Exp(hn::Mul(hn::Mul(x, x), Broadcast(-0.5f))));
    return hn::MulAdd(x, density, hn::MulAdd(half, Erf(hn::Mul(x, Broadcast(kSqrtHalf))), half));
  }
};

template <class Function>
void WithActivation(int32_t activation, Function&& function) {
  switch (activation) {
    case SHOAL_ACTIVATION_RELU:
      return function(Relu());
    case SHOAL_ACTIVATION_GELU_TANH:
      return function(GeluTanh());
    case SHOAL_ACTIVATION_GELU_ERF:
      return function(GeluErf());
    default:
      return function(Identity());
  }
}

}  // namespace

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
