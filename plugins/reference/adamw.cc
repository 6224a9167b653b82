// ADAMW (Loshchilov & Hutter 2019), the optimizer step over a flat range of parameters, and
// MOVING_AVERAGE of such a range.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "plugins/reference/ops.h"

namespace shoal::reference {

template <class Real>
int32_t Adamw(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const auto& attr = call.attr.adamw;
  const Real* g = call.Input(0);
  const Real* norm = call.Input(1);
  const Out<Real> p = call.InOut(0);
  const Out<Real> m = call.InOut(1);
  const Out<Real> v = call.InOut(2);
  const Out<Real> copy = call.Output(3);
  const double beta1 = double{attr.beta1}, beta2 = double{attr.beta2};
  const double lr = double{call.scalars.lr} * double{attr.lr_multiplier};
  const double t = static_cast<double>(call.scalars.step) + 1;
  const double correction1 = 1 - std::pow(beta1, t), correction2 = 1 - std::pow(beta2, t);
  double clip = 1;
  if (attr.clip > 0 && norm != nullptr)
    clip = std::min(1.0, double{attr.clip} / (double{norm[0]} + 1e-6));

  for (int64_t i = 0; i < count; ++i) {
    const double gradient = double{g[i]} * clip;
    m[i] = static_cast<Real>(beta1 * double{m[i]} + (1 - beta1) * gradient);
    v[i] = static_cast<Real>(beta2 * double{v[i]} + (1 - beta2) * gradient * gradient);
    const double update =
        (double{m[i]} / correction1) / (std::sqrt(double{v[i]} / correction2) + double{attr.eps});
    p[i] = static_cast<Real>(double{p[i]} - lr * update -
                             lr * double{attr.weight_decay} * double{p[i]});
    if (copy) copy[i] = p[i];
  }
  return plugins::kOk;
}

template <class Real>
int32_t MovingAverage(Call<Real>& call) {
  const int64_t count = call.InputCount(0);
  const Real* x = call.Input(0);
  const Out<Real> average = call.InOut(0);
  const Out<Real> copy = call.Output(1);
  const double t = static_cast<double>(call.scalars.step) + 1;
  const double decay = std::min(double{call.attr.moving_average.decay}, (1 + t) / (10 + t));
  for (int64_t i = 0; i < count; ++i) {
    average[i] = static_cast<Real>(decay * double{average[i]} + (1 - decay) * double{x[i]});
    if (copy) copy[i] = average[i];
  }
  return plugins::kOk;
}

template int32_t Adamw(Call<float>&);
template int32_t Adamw(Call<double>&);
template int32_t MovingAverage(Call<float>&);
template int32_t MovingAverage(Call<double>&);

}  // namespace shoal::reference
