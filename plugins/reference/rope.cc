// ROPE (Su et al. 2021): queries and keys turned by their position.
#include <cmath>
#include <cstdint>

#include "plugins/reference/ops.h"

namespace shoal::reference {

template <class Real>
int32_t Rope(Call<Real>& call) {
  const auto& attr = call.attr.rope;
  const int64_t N = call.InputRows(0), row = call.InputDim(0, 1), C = attr.head_dim, half = C / 2;
  const int64_t turned_heads = attr.heads + attr.kv_heads;
  const Real* qkv = call.Input(0);
  const int32_t* positions = call.Integers(1);
  const Out<Real> out = call.Output(0);
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t i = 0; i < half; ++i) {
      const double frequency =
          std::pow(double{attr.theta}, -2.0 * static_cast<double>(i) / static_cast<double>(C));
      const double angle = positions[n] * frequency;
      const double cosine = std::cos(angle), sine = std::sin(attr.inverse != 0 ? -angle : angle);
      for (int64_t h = 0; h < turned_heads; ++h) {
        const int64_t head = n * row + h * C;
        const int64_t first = head + (attr.interleaved != 0 ? 2 * i : i);
        const int64_t second = attr.interleaved != 0 ? first + 1 : first + half;
        const double a = double{qkv[first]}, b = double{qkv[second]};
        out[first] = static_cast<Real>(a * cosine - b * sine);
        out[second] = static_cast<Real>(a * sine + b * cosine);
      }
    }
    for (int64_t e = n * row + turned_heads * C; e < (n + 1) * row; ++e) out[e] = qkv[e];
  }
  return plugins::kOk;
}

template int32_t Rope(Call<float>&);
template int32_t Rope(Call<double>&);

}  // namespace shoal::reference
