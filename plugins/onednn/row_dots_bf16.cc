#include "plugins/onednn/row_dots_bf16.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "plugins/support/bfloat16.h"

#define SHOAL_TARGET_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

namespace shoal::onednn {
namespace {

constexpr int64_t kLanes = 32;  // bf16 values of a vector
// Rows of w read side by side: what hides both the instruction's latency and the memory's, since a
// row is too short for the processor to guess the next one (measured: 8 against 1, half as fast
// again).
constexpr int kColumns = 8;

SHOAL_TARGET_BF16 inline __m512bh Values(const uint16_t* from) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(from));
}
SHOAL_TARGET_BF16 inline __m512bh Values(const uint16_t* from, __mmask32 lanes) {
  return reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16(lanes, from));
}

// x . w_c for `count` rows of w, one after the other in memory.
template <int count>
SHOAL_TARGET_BF16 inline void Dots(const uint16_t* x, const uint16_t* w, int64_t k, float* dots) {
  __m512 sums[count];
  for (int c = 0; c < count; ++c) sums[c] = _mm512_setzero_ps();
  int64_t at = 0;
  for (; at + kLanes <= k; at += kLanes) {
    const __m512bh values = Values(x + at);
    for (int c = 0; c < count; ++c) {
      sums[c] = _mm512_dpbf16_ps(sums[c], values, Values(w + c * k + at));
    }
  }
  if (at < k) {
    const auto lanes = static_cast<__mmask32>((uint64_t{1} << (k - at)) - 1);
    const __m512bh values = Values(x + at, lanes);
    for (int c = 0; c < count; ++c) {
      sums[c] = _mm512_dpbf16_ps(sums[c], values, Values(w + c * k + at, lanes));
    }
  }
  for (int c = 0; c < count; ++c) dots[c] = _mm512_reduce_add_ps(sums[c]);
}

}  // namespace

SHOAL_TARGET_BF16 void RowDotsBf16(const void* x, const void* w, const float* bias, Array y,
                                   int64_t n, int64_t m, int64_t k, int64_t begin, int64_t end) {
  const auto* const rows = static_cast<const uint16_t*>(x);
  const auto* const weights = static_cast<const uint16_t*>(w);
  float dots[kColumns];
  for (int64_t j = begin; j < end; j += kColumns) {
    const int64_t count = end - j < kColumns ? end - j : kColumns;
    for (int64_t i = 0; i < n; ++i) {
      const uint16_t* const row = rows + i * k;
      if (count == kColumns) {
        Dots<kColumns>(row, weights + j * k, k, dots);
      } else {
        for (int64_t c = 0; c < count; ++c) Dots<1>(row, weights + (j + c) * k, k, dots + c);
      }
      for (int64_t c = 0; c < count; ++c) {
        const float value = dots[c] + (bias == nullptr ? 0.0f : bias[j + c]);
        const int64_t at = i * m + j + c;
        if (y.bf16) {
          static_cast<plugins::Bfloat16*>(y.data)[at] = plugins::ToBfloat16(value);
        } else {
          static_cast<float*>(y.data)[at] = value;
        }
      }
    }
  }
}

}  // namespace shoal::onednn

#else

namespace shoal::onednn {
void RowDotsBf16(const void*, const void*, const float*, Array, int64_t, int64_t, int64_t, int64_t,
                 int64_t) {}
}  // namespace shoal::onednn

#endif
