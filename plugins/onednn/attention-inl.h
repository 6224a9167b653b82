// The vector code that attention forward, backward and cached share. All arithmetic is f32,
// whatever the operands' type. Included once per instruction
// set, hence the guard instead of #pragma once.
#if defined(SHOAL_PLUGINS_ONEDNN_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SHOAL_PLUGINS_ONEDNN_ATTENTION_INL_H_
#undef SHOAL_PLUGINS_ONEDNN_ATTENTION_INL_H_
#else
#define SHOAL_PLUGINS_ONEDNN_ATTENTION_INL_H_
#endif

#include <cmath>
#include <cstdint>

#include "plugins/onednn/attention.h"
#include "plugins/onednn/philox-inl.h"
#include "plugins/onednn/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

// ---- small products
// -------------------------------------------------------------------------------------------

// C[i, j] (+)= sum over k of A[i, k] B[k, j]. A may be transposed (its strides are free); B and C
// have rows of whole vectors.
struct Operands {
  const float* a;
  int64_t a_row, a_column;
  const float* b;
  int64_t b_row;
  float* c;
  int64_t c_row;
};

struct Range {
  int64_t begin, end;
};

inline constexpr int64_t kTileRows = 6;
// Vectors per row of a tile: 24 accumulators where there are 32 registers, 12 where there are 16.
inline constexpr int64_t kTileVectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;

// Rows [i, i + rows) and kVectors vectors from column j, rows <= kTileRows. A short tile computes
// its last row again.
template <int64_t kVectors, bool kAdd>
HWY_INLINE void Tile(const Operands& o, int64_t i, int64_t rows, int64_t j, Range k) {
  const float* a[kTileRows];
  for (int64_t r = 0; r < kTileRows; ++r) a[r] = o.a + (i + HWY_MIN(r, rows - 1)) * o.a_row;
  V sum[kTileRows][kVectors];
  for (int64_t r = 0; r < kTileRows; ++r) {
    for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(kF);
  }
  for (int64_t at = k.begin; at < k.end; ++at) {
    const float* const b = o.b + at * o.b_row + j;
    V column[kVectors];
    for (int64_t v = 0; v < kVectors; ++v) column[v] = hn::LoadU(kF, b + v * kLanes);
    for (int64_t r = 0; r < kTileRows; ++r) {
      const V scalar = Broadcast(a[r][at * o.a_column]);
      for (int64_t v = 0; v < kVectors; ++v) sum[r][v] = hn::MulAdd(scalar, column[v], sum[r][v]);
    }
  }
  for (int64_t r = 0; r < kTileRows; ++r) {
    if (r >= rows) break;
    float* const c = o.c + (i + r) * o.c_row + j;
    for (int64_t v = 0; v < kVectors; ++v) {
      const V result = kAdd ? hn::Add(sum[r][v], hn::LoadU(kF, c + v * kLanes)) : sum[r][v];
      hn::StoreU(result, kF, c + v * kLanes);
    }
  }
}

template <bool kAdd>
HWY_INLINE void WideTile(const Operands& o, int64_t i, int64_t rows, int64_t j, int64_t vectors,
                         Range k) {
  if (vectors == 1) return Tile<1, kAdd>(o, i, rows, j, k);
  if (vectors == 2) return Tile<2, kAdd>(o, i, rows, j, k);
  if constexpr (kTileVectors == 4) {
    if (vectors == 3) return Tile<3, kAdd>(o, i, rows, j, k);
    return Tile<4, kAdd>(o, i, rows, j, k);
  }
}

// All of C: `rows` rows and the columns that columns(first row, last row) gives per tile of rows;
// summed over the k that terms(first row, last row) gives. Both ranges may be larger than needed,
// never smaller.
template <bool kAdd, class Columns, class Terms>
void Multiply(const Operands& o, int64_t rows, int64_t width, Columns&& columns, Terms&& terms) {
  constexpr int64_t kPanel = kTileVectors * kLanes;
  for (int64_t j = 0; j < width; j += kPanel) {
    const int64_t vectors = HWY_MIN(kPanel, width - j) / kLanes;
    for (int64_t i = 0; i < rows; i += kTileRows) {
      const int64_t count = HWY_MIN(kTileRows, rows - i);
      const Range needed = columns(i, i + count - 1);
      if (needed.end <= j || needed.begin >= j + kPanel) continue;
      WideTile<kAdd>(o, i, count, j, vectors, terms(i, i + count - 1));
    }
  }
}

// ---- moving rows in and out
// -----------------------------------------------------------------------------------

// to[r, c] = scale * from[r, c], rows padded with zeros to `padded` columns.
template <class T>
void CopyRows(const T* from, int64_t stride, int64_t rows, int64_t columns, float scale, float* to,
              int64_t padded) {
  const V factor = Broadcast(scale);
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  for (int64_t r = 0; r < rows; ++r) {
    // The next head is the next to be copied, and lies beside this one in every row.
    for (int64_t i = 0; i < columns; i += kLine)
      __builtin_prefetch(from + r * stride + columns + i);
    // A short last vector is stored whole: the padding.
    ForLanes(columns, [&](int64_t i, auto lanes) {
      Store(hn::Mul(Load(from + r * stride + i, lanes), factor), to + r * padded + i);
    });
    for (int64_t i = (columns + kLanes - 1) / kLanes * kLanes; i < padded; i += kLanes) {
      Store(hn::Zero(kF), to + r * padded + i);
    }
  }
}

// to[c, r] = rows of f32 [rows, columns] transposed; rows padded with zeros to `padded`.
inline void TransposeRows(const float* from, int64_t stride, int64_t rows, int64_t columns,
                          float* to, int64_t padded) {
  constexpr int64_t kSquare = 8;
  for (int64_t r = 0; r < rows; r += kSquare) {
    const int64_t height = HWY_MIN(kSquare, rows - r);
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t y = 0; y < height; ++y) to[c * padded + r + y] = from[(r + y) * stride + c];
    }
  }
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t r = rows; r < padded; ++r) to[c * padded + r] = 0;
  }
}

// to[r, c] = scale * from[r, c] for the true columns.
template <class T>
void StoreRows(const float* from, int64_t padded, int64_t rows, int64_t columns, float scale, T* to,
               int64_t stride) {
  const V factor = Broadcast(scale);
  for (int64_t r = 0; r < rows; ++r) {
    ForLanes(columns, [&](int64_t i, auto lanes) {
      Store(hn::Mul(Load(from + r * padded + i), factor), to + r * stride + i, lanes);
    });
  }
}

// ---- masks
// ----------------------------------------------------------------------------------------------------

// Lanes j .. j + kLanes - 1 that lie in [begin, end).
HWY_INLINE hn::Mask<Floats> Visible(int64_t j, int64_t begin, int64_t end) {
  const auto key = hn::Iota(kI, static_cast<int32_t>(j));
  const auto inside = hn::AndNot(hn::Lt(key, hn::Set(kI, static_cast<int32_t>(begin))),
                                 hn::Lt(key, hn::Set(kI, static_cast<int32_t>(end))));
  return hn::RebindMask(kF, inside);
}

// Softmax without its division over the visible scores of one query; all others up to `columns`
// become 0. Returns the largest score and the denominator.
inline void SoftmaxRow(float* scores, int64_t columns, int64_t begin, int64_t end, float* largest,
                       float* denominator) {
  V most = Broadcast(-INFINITY);
  for (int64_t j = begin / kLanes * kLanes; j < end; j += kLanes) {
    most = hn::Max(most, hn::IfThenElse(Visible(j, begin, end), Load(scores + j), most));
  }
  *largest = Largest(most);
  const V center = Broadcast(*largest);
  V total = hn::Zero(kF);
  for (int64_t j = 0; j < columns; j += kLanes) {
    const V e = hn::IfThenElseZero(Visible(j, begin, end), Exp(hn::Sub(Load(scores + j), center)));
    total = hn::Add(total, e);
    Store(e, scores + j);
  }
  *denominator = Total(total);
}

// Dropout factors of `rows` queries against the keys they see. `counters` has room for two words,
// and `factors` for four floats, per four keys of each query, plus 4 kLanes. starts[r] + j is where
// in `factors` key j of query r lies.
inline void DrawScores(const DropoutKey& dropout, const Mask& mask, int64_t first_query,
                       int64_t rows, uint64_t first_element, uint64_t row_elements,
                       uint32_t* counters, float* factors, int64_t* starts) {
  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t from = mask.First(first_query + r) / 4, to = (mask.Last(first_query + r) + 3) / 4;
    starts[r] = 4 * (count - from);
    const uint64_t block = (first_element + static_cast<uint64_t>(r) * row_elements) / 4;
    for (int64_t b = from; b < to; ++b, ++count) {
      counters[2 * count] = static_cast<uint32_t>(block + static_cast<uint64_t>(b));
      counters[2 * count + 1] = static_cast<uint32_t>((block + static_cast<uint64_t>(b)) >> 32);
    }
  }
  for (int64_t at = 0; at < count; at += kLanes) {
    U low, high;
    hn::LoadInterleaved2(kU, counters + 2 * at, low, high);
    DrawFactors(dropout, low, high, factors + 4 * at);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#endif  // SHOAL_PLUGINS_ONEDNN_ATTENTION_INL_H_
