// The activations as functions of a vector, and their slopes. Included once per instruction set,
// hence the guard instead of #pragma once.
#if defined(SHOAL_PLUGINS_ONEDNN_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SHOAL_PLUGINS_ONEDNN_ACTIVATION_INL_H_
#undef SHOAL_PLUGINS_ONEDNN_ACTIVATION_INL_H_
#else
#define SHOAL_PLUGINS_ONEDNN_ACTIVATION_INL_H_
#endif

#include <cstdint>

#include "plugins/abi/shoal_backend.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

inline constexpr float kSqrt2OverPi = 0.7978845608f;
inline constexpr float kGeluCubic = 0.044715f;
inline constexpr float kSqrtHalf = 0.7071067812f;
inline constexpr float kInverseSqrt2Pi = 0.3989422804f;

// Slope takes what the contract calls `saved`: the output for Relu and TanhActivation, else the
// input. Relu's may be either: both are positive together.
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

struct Silu {
  static V Sigmoid(V x) {
    return hn::Div(Broadcast(1.0f), hn::Add(Broadcast(1.0f), Exp(hn::Neg(x))));
  }
  static V Value(V x) { return hn::Mul(x, Sigmoid(x)); }
  static V Slope(V x) {
    const V s = Sigmoid(x);
    return hn::MulAdd(hn::Mul(s, x), hn::Sub(Broadcast(1.0f), s), s);
  }
};

struct TanhActivation {
  static V Value(V x) { return Tanh(x); }
  static V Slope(V y) { return hn::NegMulAdd(y, y, Broadcast(1.0f)); }
};

// function(Relu()) and so on.
template <class Function>
HWY_INLINE void WithActivation(int32_t activation, Function&& function) {
  switch (activation) {
    case SHOAL_ACTIVATION_RELU:
      return function(Relu());
    case SHOAL_ACTIVATION_GELU_TANH:
      return function(GeluTanh());
    case SHOAL_ACTIVATION_GELU_ERF:
      return function(GeluErf());
    case SHOAL_ACTIVATION_SILU:
      return function(Silu());
    case SHOAL_ACTIVATION_TANH:
      return function(TanhActivation());
    default:
      return function(Identity());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#endif  // SHOAL_PLUGINS_ONEDNN_ACTIVATION_INL_H_
