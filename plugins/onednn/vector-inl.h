// What every vector kernel here is written with: f32 vectors, loads and stores that convert from
// and to bf16, a loop over a row whose last piece may be short, and the elementary functions.
//
// Included once per instruction set, hence the guard instead of #pragma once. All names live in
// shoal::onednn::HWY_NAMESPACE, one namespace per instruction set.
#if defined(SHOAL_PLUGINS_ONEDNN_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SHOAL_PLUGINS_ONEDNN_VECTOR_INL_H_
#undef SHOAL_PLUGINS_ONEDNN_VECTOR_INL_H_
#else
#define SHOAL_PLUGINS_ONEDNN_VECTOR_INL_H_
#endif

#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "plugins/onednn/array.h"
#include "plugins/support/bfloat16.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using plugins::Bfloat16;

using Floats = hn::ScalableTag<float>;
using Words = hn::RebindToUnsigned<Floats>;
using Integers = hn::RebindToSigned<Floats>;
using Halves = hn::Rebind<uint16_t, Floats>;
using V = hn::Vec<Floats>;
inline constexpr int64_t kLanes = HWY_LANES(float);
inline constexpr Floats kF{};
inline constexpr Words kU{};
inline constexpr Integers kI{};

// How many lanes of a vector are in use: all of them, known when compiling, or the first few.
struct All {};
struct First {
  int64_t count;
};

HWY_INLINE V Load(const float* from, All = {}) { return hn::LoadU(kF, from); }
HWY_INLINE V Load(const Bfloat16* from, All = {}) {
  const auto bits = hn::PromoteTo(kU, hn::LoadU(Halves(), &from->bits));
  return hn::BitCast(kF, hn::ShiftLeft<16>(bits));
}
template <class T>
HWY_INLINE V Load(const T* from, First lanes) {  // lanes not in use are 0
  alignas(64) T buffer[kLanes] = {};
  std::memcpy(buffer, from, static_cast<size_t>(lanes.count) * sizeof(T));
  return Load(buffer);
}

HWY_INLINE void Store(V v, float* to, All = {}) { hn::StoreU(v, kF, to); }
// Rounds to nearest even; a NaN stays one.
HWY_INLINE void Store(V v, Bfloat16* to, All = {}) {
  const auto bits = hn::BitCast(kU, v);
  const auto upper = hn::ShiftRight<16>(bits);
  const auto odd = hn::And(upper, hn::Set(kU, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(kU, 0x7fff)), odd));
  const auto quiet = hn::Or(upper, hn::Set(kU, 0x40));
  const auto result = hn::IfThenElse(hn::RebindMask(kU, hn::IsNaN(v)), quiet, rounded);
  hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(kI, result)), Halves(), &to->bits);
}
template <class T>
HWY_INLINE void Store(V v, T* to, First lanes) {
  alignas(64) T buffer[kLanes];
  Store(v, buffer);
  std::memcpy(to, buffer, static_cast<size_t>(lanes.count) * sizeof(T));
}

// body(i, lanes) for i = 0, kLanes, 2 kLanes ... below count; lanes is All until a last First.
template <class Body>
HWY_INLINE void ForLanes(int64_t count, Body&& body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, All{});
  if (i < count) body(i, First{count - i});
}

// Keeps the lanes in use, the others become 0 (or `other`).
HWY_INLINE V Keep(V v, All) { return v; }
HWY_INLINE V Keep(V v, First lanes) {
  return hn::IfThenElseZero(hn::FirstN(kF, static_cast<size_t>(lanes.count)), v);
}
HWY_INLINE V Keep(V v, All, V) { return v; }
HWY_INLINE V Keep(V v, First lanes, V other) {
  return hn::IfThenElse(hn::FirstN(kF, static_cast<size_t>(lanes.count)), v, other);
}

// function(pointer to element `from`) with the array's own element type.
template <class Function>
HWY_INLINE void WithType(Array array, int64_t from, Function&& function) {
  if (array.bf16) {
    function(static_cast<Bfloat16*>(array.data) + from);
  } else {
    function(static_cast<float*>(array.data) + from);
  }
}

HWY_INLINE V Broadcast(float value) { return hn::Set(kF, value); }
HWY_INLINE float Total(V v) { return hn::GetLane(hn::SumOfLanes(kF, v)); }
HWY_INLINE float Largest(V v) { return hn::GetLane(hn::MaxOfLanes(kF, v)); }

// Four dot products of x with rows `stride` elements apart.
template <class T>
HWY_INLINE void FourDots(const T* x, const T* w, int64_t stride, int64_t k, float* results) {
  V a = hn::Zero(kF), b = a, c = a, d = a;
  ForLanes(k, [&](int64_t i, auto lanes) {
    const V v = Load(x + i, lanes);
    a = hn::MulAdd(v, Load(w + i, lanes), a);
    b = hn::MulAdd(v, Load(w + stride + i, lanes), b);
    c = hn::MulAdd(v, Load(w + 2 * stride + i, lanes), c);
    d = hn::MulAdd(v, Load(w + 3 * stride + i, lanes), d);
  });
  results[0] = Total(a);
  results[1] = Total(b);
  results[2] = Total(c);
  results[3] = Total(d);
}

template <class T>
HWY_INLINE float Dot(const T* x, const T* w, int64_t k) {
  V a = hn::Zero(kF);
  ForLanes(
      k, [&](int64_t i, auto lanes) { a = hn::MulAdd(Load(x + i, lanes), Load(w + i, lanes), a); });
  return Total(a);
}

// e^x to about 1 unit in the last place; 0 below -87.3, and held at e^88 above. Cody-Waite
// reduction, then the minimax polynomial of Cephes (S. Moshier) on [-ln 2 / 2, ln 2 / 2].
HWY_INLINE V Exp(V x) {
  const V low = Broadcast(-87.33654f);
  const auto underflow = hn::Lt(x, low);
  const V clamped = hn::Min(hn::Max(x, low), Broadcast(88.0f));
  const V n = hn::Round(hn::Mul(clamped, Broadcast(1.44269504f)));
  V r = hn::NegMulAdd(n, Broadcast(0.693359375f), clamped);
  r = hn::NegMulAdd(n, Broadcast(-2.12194440e-4f), r);
  V p = Broadcast(1.9875691500e-4f);
  p = hn::MulAdd(p, r, Broadcast(1.3981999507e-3f));
  p = hn::MulAdd(p, r, Broadcast(8.3334519073e-3f));
  p = hn::MulAdd(p, r, Broadcast(4.1665795894e-2f));
  p = hn::MulAdd(p, r, Broadcast(1.6666665459e-1f));
  p = hn::MulAdd(p, r, Broadcast(5.0000001201e-1f));
  p = hn::Add(hn::MulAdd(hn::Mul(p, r), r, r), Broadcast(1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::ConvertTo(kI, n));
  const V scaled = hn::BitCast(kF, hn::Add(hn::BitCast(kI, p), exponent));
  // A NaN compares false everywhere and would be clamped to a number.
  return hn::IfThenElse(hn::IsNaN(x), x, hn::IfThenZeroElse(underflow, scaled));
}

HWY_INLINE V Tanh(V x) {
  const V e = Exp(hn::Add(x, x));
  return hn::Sub(Broadcast(1.0f), hn::Div(Broadcast(2.0f), hn::Add(e, Broadcast(1.0f))));
}

// The natural logarithm of a positive normal number, to about 1 unit in the last place. Mantissa in
// [sqrt(1/2), sqrt(2)), then the minimax polynomial of Cephes (S. Moshier).
HWY_INLINE V Log(V x) {
  const auto bits = hn::BitCast(kI, x);
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(kI, 0x3f3504f3)));  // of x sqrt(2)
  const V e = hn::ConvertTo(kF, exponent);
  const V f = hn::Sub(hn::BitCast(kF, hn::Sub(bits, hn::ShiftLeft<23>(exponent))), Broadcast(1.0f));
  const V z = hn::Mul(f, f);
  V p = Broadcast(7.0376836292e-2f);
  p = hn::MulAdd(p, f, Broadcast(-1.1514610310e-1f));
  p = hn::MulAdd(p, f, Broadcast(1.1676998740e-1f));
  p = hn::MulAdd(p, f, Broadcast(-1.2420140846e-1f));
  p = hn::MulAdd(p, f, Broadcast(1.4249322787e-1f));
  p = hn::MulAdd(p, f, Broadcast(-1.6668057665e-1f));
  p = hn::MulAdd(p, f, Broadcast(2.0000714765e-1f));
  p = hn::MulAdd(p, f, Broadcast(-2.4999993993e-1f));
  p = hn::MulAdd(p, f, Broadcast(3.3333331174e-1f));
  V y = hn::Mul(hn::Mul(p, f), z);
  y = hn::MulAdd(e, Broadcast(-2.12194440e-4f), y);
  y = hn::NegMulAdd(z, Broadcast(0.5f), y);
  return hn::MulAdd(e, Broadcast(0.693359375f), hn::Add(f, y));
}

// erf(x) with an absolute error below 2e-7: Abramowitz and Stegun 7.1.26, times e^(-x^2).
HWY_INLINE V Erf(V x) {
  const V a = hn::Abs(x);
  const V t = hn::Div(Broadcast(1.0f), hn::MulAdd(a, Broadcast(0.3275911f), Broadcast(1.0f)));
  V p = Broadcast(1.061405429f);
  p = hn::MulAdd(p, t, Broadcast(-1.453152027f));
  p = hn::MulAdd(p, t, Broadcast(1.421413741f));
  p = hn::MulAdd(p, t, Broadcast(-0.284496736f));
  p = hn::MulAdd(p, t, Broadcast(0.254829592f));
  const V y = hn::NegMulAdd(hn::Mul(p, t), Exp(hn::Neg(hn::Mul(a, a))), Broadcast(1.0f));
  return hn::CopySign(y, x);
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#endif  // SHOAL_PLUGINS_ONEDNN_VECTOR_INL_H_
