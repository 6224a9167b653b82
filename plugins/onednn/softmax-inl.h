// Largest and sum of exponentials of a row: what softmax needs. Included once per instruction set,
// hence the guard instead of #pragma once.
#if defined(SHOAL_PLUGINS_ONEDNN_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SHOAL_PLUGINS_ONEDNN_SOFTMAX_INL_H_
#undef SHOAL_PLUGINS_ONEDNN_SOFTMAX_INL_H_
#else
#define SHOAL_PLUGINS_ONEDNN_SOFTMAX_INL_H_
#endif

#include <cmath>
#include <cstdint>
#include <cstring>

#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

template <class T>
float RowLargest(const T* row, int64_t count) {
  V largest = Broadcast(-INFINITY);
  ForLanes(count, [&](int64_t i, auto lanes) {
    largest = hn::Max(largest, Keep(Load(row + i, lanes), lanes, largest));
  });
  return Largest(largest);
}

// sum of exp(row - largest)
template <class T>
float RowDenominator(const T* row, int64_t count, float largest) {
  const V center = Broadcast(largest);
  V total = hn::Zero(kF);
  ForLanes(count, [&](int64_t i, auto lanes) {
    total = hn::Add(total, Keep(Exp(hn::Sub(Load(row + i, lanes), center)), lanes));
  });
  return Total(total);
}

// sum of exp(scale (row - largest))
template <class T>
float ScaledDenominator(const T* row, int64_t count, float largest, float scale) {
  const V center = Broadcast(largest), factor = Broadcast(scale);
  V total = hn::Zero(kF);
  ForLanes(count, [&](int64_t i, auto lanes) {
    const V e = Exp(hn::Mul(hn::Sub(Load(row + i, lanes), center), factor));
    total = hn::Add(total, Keep(e, lanes));
  });
  return Total(total);
}

// sum of row - center
template <class T>
float CenteredSum(const T* row, int64_t count, float center) {
  const V middle = Broadcast(center);
  V total = hn::Zero(kF);
  ForLanes(count, [&](int64_t i, auto lanes) {
    total = hn::Add(total, Keep(hn::Sub(Load(row + i, lanes), middle), lanes));
  });
  return Total(total);
}

template <class T>
void ClearRow(T* row, int64_t begin, int64_t end) {
  std::memset(row + begin, 0, static_cast<size_t>(end - begin) * sizeof(T));
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#endif  // SHOAL_PLUGINS_ONEDNN_SOFTMAX_INL_H_
