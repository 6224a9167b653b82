// ATTENTION_BACKWARD. With P = softmax(scale q k^T), F the dropout factors and out = (P F) v:
//   dv_j = sum_i P_ij F_ij dout_i          dP_ij = F_ij dout_i . v_j
//   dS_ij = P_ij (dP_ij - delta_i)         delta_i = sum_j P_ij dP_ij = dout_i . out_i
//   dq_i = scale sum_j dS_ij k_j           dk_j = scale sum_i dS_ij q_i
// P is not stored: P_ij = exp(scale q_i . k_j - lse_i).
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "plugins/reference/attention.h"
#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"
#include "plugins/support/philox.h"

namespace shoal::reference {

template <class Real>
int32_t AttentionBackward(Call<Real>& call) {
  const auto& attr = call.attr.attention;
  const HeadLayout heads(attr);
  const int64_t N = call.InputRows(0), S = call.InputRows(4) - 1;
  const int64_t H = heads.H, C = heads.C, row = heads.row();
  const double scale = double{attr.scale};
  const Real* dout = call.Input(0);
  const Real* qkv = call.Input(1);
  const Real* out = call.Input(2);
  const Real* lse = call.Input(3);
  const int32_t* offsets = call.Integers(4);
  const Out<Real> dqkv = call.Output(0);
  if (int32_t code = CheckOffsets(call, offsets, S, N)) return code;
  const plugins::Dropout dropout(attr.dropout, attr.stream, call.scalars);
  const int64_t capacity = call.InputDim(0, 0);
  Real* factors = call.Scratch(capacity);
  double* sums = call.Sums(capacity * row);  // dqkv

  for (int64_t s = 0; s < S; ++s) {
    const int64_t start = offsets[s], length = offsets[s + 1] - start;
    for (int64_t i = 0; i < length; ++i) {
      const int64_t n = start + i;
      const KeyRange keys = VisibleKeys(attr.mask, attr.window, i, length);
      for (int64_t h = 0; h < H; ++h) {
        const Real* q = qkv + n * row + heads.query(h);
        const Real* dout_i = dout + (n * H + h) * C;
        const double delta = Dot(dout_i, out + (n * H + h) * C, C);
        dropout.Factors(plugins::AttentionElement(n, H, h, keys.first), keys.last - keys.first,
                        factors);
        for (int64_t j = keys.first; j < keys.last; ++j) {
          const int64_t other = (start + j) * row;
          const double factor = double{factors[j - keys.first]};
          const Real* k = qkv + other + heads.key(h);
          const Real* v = qkv + other + heads.value(h);
          const double p = std::exp(scale * Dot(q, k, C) - double{lse[n * H + h]});
          const double ds = scale * p * (factor * Dot(dout_i, v, C) - delta);
          AddScaled(ds, k, C, sums + n * row + heads.query(h));
          AddScaled(ds, q, C, sums + other + heads.key(h));
          AddScaled(p * factor, dout_i, C, sums + other + heads.value(h));
        }
      }
    }
  }
  for (int64_t e = 0; e < N * row; ++e) dqkv[e] = static_cast<Real>(sums[e]);
  return plugins::kOk;
}

template int32_t AttentionBackward(Call<float>&);
template int32_t AttentionBackward(Call<double>&);

}  // namespace shoal::reference
