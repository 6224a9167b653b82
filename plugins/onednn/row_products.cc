#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/row_products.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/gemm.h"
#include "plugins/onednn/row_dots_bf16.h"
#include "plugins/onednn/row_products.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {
// Columns [begin, end) of y.
void MultiplyRowsRange(Array x, Array w, const float* bias, Array y, int64_t n, int64_t m,
                       int64_t k, int64_t begin, int64_t end) {
  WithType(w, 0, [&](auto* weight) {
    const auto* const rows = static_cast<decltype(weight)>(x.data);
    WithType(y, 0, [&](auto* to) {
      for (int64_t j = begin; j < end; j += 4) {
        const int64_t count = HWY_MIN(int64_t{4}, end - j);
        for (int64_t i = 0; i < n; ++i) {
          alignas(16) float results[4];
          if (count == 4) {
            FourDots(static_cast<decltype(rows)>(rows + i * k),
                     static_cast<decltype(rows)>(weight + j * k), k, k, results);
          } else {
            for (int64_t c = 0; c < count; ++c) {
              results[c] = Dot(static_cast<decltype(rows)>(rows + i * k),
                               static_cast<decltype(rows)>(weight + (j + c) * k), k);
            }
          }
          for (int64_t c = 0; c < count; ++c) {
            const float value = results[c] + (bias == nullptr ? 0.0f : bias[j + c]);
            Store(Broadcast(value), to + i * m + j + c, First{1});
          }
        }
      }
    });
  });
}

void ColumnSumsRange(Array dy, int64_t n, int64_t m, bool add, float* sums, int64_t begin,
                     int64_t end) {
  constexpr int64_t kStrip = 4;  // vectors summed side by side
  WithType(dy, 0, [&](auto* from) {
    int64_t j = begin;
    for (; j + kStrip * kLanes <= end; j += kStrip * kLanes) {
      V total[kStrip];
      for (int64_t s = 0; s < kStrip; ++s)
        total[s] = add ? Load(sums + j + s * kLanes) : hn::Zero(kF);
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t s = 0; s < kStrip; ++s)
          total[s] = hn::Add(total[s], Load(from + i * m + j + s * kLanes));
      }
      for (int64_t s = 0; s < kStrip; ++s) Store(total[s], sums + j + s * kLanes);
    }
    ForLanes(end - j, [&](int64_t offset, auto lanes) {
      V total = add ? Load(sums + j + offset, lanes) : hn::Zero(kF);
      for (int64_t i = 0; i < n; ++i)
        total = hn::Add(total, Load(from + i * m + j + offset, lanes));
      Store(total, sums + j + offset, lanes);
    });
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(MultiplyRowsRange);
HWY_EXPORT(ColumnSumsRange);
constexpr int64_t kBorder = 16;  // ranges begin on cache lines
}  // namespace

void MultiplyRows(const Team& team, Array x, Array w, const float* bias, Array y, int64_t n,
                  int64_t m, int64_t k) {
  const bool native = w.bf16 && HasNativeBf16();
  team.Split(m, n * k / (native ? 8 : 4), kBorder, [&](int64_t begin, int64_t end, int) {
    if (native) return RowDotsBf16(x.data, w.data, bias, y, n, m, k, begin, end);
    HWY_DYNAMIC_DISPATCH(MultiplyRowsRange)(x, w, bias, y, n, m, k, begin, end);
  });
}

void ColumnSums(const Team& team, Array dy, int64_t n, int64_t m, bool add, float* sums) {
  team.Split(m, n, 4 * kBorder, [&](int64_t begin, int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(ColumnSumsRange)(dy, n, m, add, sums, begin, end);
  });
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
