// SUM and GLOBAL_NORM: one number from a flat tensor, added up in order.
#include <cmath>
#include <cstdint>

#include "plugins/reference/ops.h"

namespace shoal::reference {

template <class Real>
int32_t Sum(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const Real* x = call.Input(0);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += double{x[i]};
  call.Output(0)[0] = static_cast<Real>(sum);
  return plugins::kOk;
}

template <class Real>
int32_t GlobalNorm(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const Real* x = call.Input(0);
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) squares += double{x[i]} * double{x[i]};
  call.Output(0)[0] = static_cast<Real>(std::sqrt(squares));
  return plugins::kOk;
}

template int32_t Sum(Call<float>&);
template int32_t Sum(Call<double>&);
template int32_t GlobalNorm(Call<float>&);
template int32_t GlobalNorm(Call<double>&);

}  // namespace shoal::reference
