// ATTENTION over packed sequences, ATTENTION_CACHED for generation, and ATTENTION_PROBABILITIES.
#include "plugins/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"
#include "plugins/reference/softmax.h"
#include "plugins/support/philox.h"

namespace shoal::reference {
namespace {

// One query against `count` keys and values `stride` elements apart: out = sum_j factor_j
// softmax_j(scale q.k_j) v_j. `scores` has room for `count`, `sums` for C. Returns the log of the
// softmax denominator.
template <class Real>
double Attend(const Real* q, const Real* keys, const Real* values, int64_t stride, int64_t count,
              int64_t C, double scale, const Real* factors, double* scores, double* sums,
              Real* out) {
  double largest = -INFINITY;
  for (int64_t j = 0; j < count; ++j) {
    scores[j] = scale * Dot(q, keys + j * stride, C);
    largest = std::max(largest, scores[j]);
  }
  double denominator = 0;
  std::fill_n(sums, C, 0.0);
  for (int64_t j = 0; j < count; ++j) {
    const double weight = std::exp(scores[j] - largest);
    denominator += weight;
    AddScaled(weight * double{factors[j]}, values + j * stride, C, sums);
  }
  for (int64_t c = 0; c < C; ++c) out[c] = static_cast<Real>(sums[c] / denominator);
  return largest + std::log(denominator);
}

}  // namespace

template <class Real>
int32_t Attention(Call<Real>& call) {
  const auto& attr = call.attr.attention;
  const HeadLayout heads(attr);
  const int64_t N = call.InputRows(0), S = call.InputRows(1) - 1;
  const int64_t H = heads.H, C = heads.C;
  const Real* qkv = call.Input(0);
  const int32_t* offsets = call.Integers(1);
  const Out<Real> out = call.Output(0);
  const Out<Real> lse = call.Output(1);
  if (int32_t code = CheckOffsets(call, offsets, S, N)) return code;
  const plugins::Dropout dropout(attr.dropout, attr.stream, call.scalars);
  const int64_t capacity = call.InputDim(0, 0);
  Real* factors = call.Scratch(capacity);
  double* scores = call.Sums(capacity);
  double* sums = call.Sums(C);

  for (int64_t s = 0; s < S; ++s) {
    const int64_t start = offsets[s], length = offsets[s + 1] - start;
    for (int64_t i = 0; i < length; ++i) {
      const int64_t n = start + i;
      const KeyRange keys = VisibleKeys(attr.mask, attr.window, i, length);
      const Real* first = qkv + (start + keys.first) * heads.row();
      for (int64_t h = 0; h < H; ++h) {
        dropout.Factors(plugins::AttentionElement(n, H, h, keys.first), keys.last - keys.first,
                        factors);
        const double denominator =
            Attend(qkv + n * heads.row() + heads.query(h), first + heads.key(h),
                   first + heads.value(h), heads.row(), keys.last - keys.first, C,
                   double{attr.scale}, factors, scores, sums, out + (n * H + h) * C);
        if (lse) lse[n * H + h] = static_cast<Real>(denominator);
      }
    }
  }
  return plugins::kOk;
}

template <class Real>
int32_t AttentionCached(Call<Real>& call) {
  const auto& attr = call.attr.attention;
  const HeadLayout heads(attr);
  const int64_t N = call.InputRows(0), P = call.OutputDim(1, 0), cached = call.scalars.cache_length;
  const int64_t H = heads.H, C = heads.C, width = heads.G * C;
  const Real* qkv = call.Input(0);
  const Out<Real> out = call.Output(0);
  const Out<Real> k_cache = call.InOut(1);
  const Out<Real> v_cache = call.InOut(2);
  for (int64_t n = 0; n < N; ++n) {
    const Real* row = qkv + n * heads.row();
    std::copy_n(row + heads.key(0), width, k_cache + (cached + n) * width);
    std::copy_n(row + heads.value(0), width, v_cache + (cached + n) * width);
  }
  Real* factors = call.Scratch(P);
  std::fill_n(factors, P, Real{1});
  double* scores = call.Sums(P);
  double* sums = call.Sums(C);
  for (int64_t n = 0; n < N; ++n) {
    const KeyRange keys = VisibleKeys(attr.mask, attr.window, cached + n, cached + N);
    for (int64_t h = 0; h < H; ++h) {
      const int64_t first = keys.first * width + heads.Group(h) * C;
      Attend<Real>(qkv + n * heads.row() + heads.query(h), k_cache + first, v_cache + first, width,
                   keys.last - keys.first, C, double{attr.scale}, factors, scores, sums,
                   out + (n * H + h) * C);
    }
  }
  return plugins::kOk;
}

template <class Real>
int32_t AttentionProbabilities(Call<Real>& call) {
  const auto& attr = call.attr.attention;
  const HeadLayout heads(attr);
  const int64_t N = call.InputRows(0), S = call.InputRows(1) - 1;
  const int64_t H = heads.H, C = heads.C, P = call.OutputDim(0, 1) / H;
  const Real* qkv = call.Input(0);
  const int32_t* offsets = call.Integers(1);
  const Out<Real> a = call.Output(0);
  if (int32_t code = CheckOffsets(call, offsets, S, N)) return code;
  Real* scores = call.Scratch(call.InputDim(0, 0));
  std::fill_n(a + 0, N * H * P, Real{0});
  for (int64_t s = 0; s < S; ++s) {
    const int64_t start = offsets[s], length = offsets[s + 1] - start;
    for (int64_t i = 0; i < length; ++i) {
      const KeyRange keys = VisibleKeys(attr.mask, attr.window, i, length);
      const int64_t count = keys.last - keys.first;
      const Real* query = qkv + (start + i) * heads.row();
      const Real* first = qkv + (start + keys.first) * heads.row();
      for (int64_t h = 0; h < H; ++h) {
        for (int64_t j = 0; j < count; ++j) {
          scores[j] = static_cast<Real>(
              double{attr.scale} *
              Dot(query + heads.query(h), first + j * heads.row() + heads.key(h), C));
        }
        const RowSoftmax<Real> softmax(scores, count);
        for (int64_t j = 0; j < count && keys.first + j < P; ++j) {
          a[((start + i) * H + h) * P + keys.first + j] = static_cast<Real>(softmax.P(scores[j]));
        }
      }
    }
  }
  return plugins::kOk;
}

template int32_t Attention(Call<float>&);
template int32_t Attention(Call<double>&);
template int32_t AttentionCached(Call<float>&);
template int32_t AttentionCached(Call<double>&);
template int32_t AttentionProbabilities(Call<float>&);
template int32_t AttentionProbabilities(Call<double>&);

}  // namespace shoal::reference
