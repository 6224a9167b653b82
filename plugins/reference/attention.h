// What the attention operations share: where heads lie in a row, which keys a mask allows, checked
// offsets.
#pragma once

#include <algorithm>
#include <cstdint>

#include "plugins/reference/call.h"

namespace shoal::reference {

// A row of qkv holds H query heads, then G key heads, then G value heads, each C wide.
struct HeadLayout {
  int64_t H, G, C;

  template <class Attributes>
  explicit HeadLayout(const Attributes& attr) : H(attr.heads), G(attr.kv_heads), C(attr.head_dim) {}

  int64_t row() const { return (H + 2 * G) * C; }
  int64_t query(int64_t h) const { return h * C; }
  int64_t key(int64_t h) const { return (H + Group(h)) * C; }
  int64_t value(int64_t h) const { return (H + G + Group(h)) * C; }
  // The key/value head that query head h reads: consecutive query heads share one.
  int64_t Group(int64_t h) const { return h / (H / G); }
};

// Keys [first, last) that the query at place i of a sequence of `length` may look at.
struct KeyRange {
  int64_t first, last;
};

inline KeyRange VisibleKeys(int32_t mask, int64_t window, int64_t i, int64_t length) {
  if (mask == SHOAL_MASK_FULL) return {0, length};
  const int64_t first = mask == SHOAL_MASK_SLIDING ? std::max<int64_t>(0, i - window + 1) : 0;
  return {first, i + 1};
}

// Refuses offsets that do not cut rows 0 .. rows-1 into sequences of at most scalars.longest rows.
template <class Real>
int32_t CheckOffsets(Call<Real>& call, const int32_t* offsets, int64_t sequences, int64_t rows) {
  if (offsets[0] != 0) return call.RefuseIndex("offsets", 0, offsets[0], 0, 1);
  for (int64_t s = 0; s < sequences; ++s) {
    const int64_t low = offsets[s], high = std::min(rows, low + call.scalars.longest) + 1;
    if (offsets[s + 1] < low || offsets[s + 1] >= high) {
      return call.RefuseIndex("offsets", s + 1, offsets[s + 1], low, high);
    }
  }
  if (offsets[sequences] != rows)
    return call.RefuseIndex("offsets", sequences, offsets[sequences], rows, rows + 1);
  return plugins::kOk;
}

}  // namespace shoal::reference
