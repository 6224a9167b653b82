// GLU and its gradient: one half of a row, activated, times the other half.
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"

namespace shoal::reference {

template <class Real>
int32_t Glu(Call<Real>& call) {
  const int64_t N = call.InputRows(0), F = call.OutputDim(0, 1);
  const Real* gate_up = call.Input(0);
  const Out<Real> y = call.Output(0);
  for (int64_t n = 0; n < N; ++n) {
    const Real* gate = gate_up + n * 2 * F;
    const Real* up = gate + F;
    for (int64_t f = 0; f < F; ++f) {
      y[n * F + f] = static_cast<Real>(Activate(call.attr.activation.activation, double{gate[f]}) *
                                       double{up[f]});
    }
  }
  return plugins::kOk;
}

template <class Real>
int32_t GluBackward(Call<Real>& call) {
  const int64_t N = call.InputRows(0), F = call.InputDim(0, 1);
  const int32_t activation = call.attr.activation.activation;
  const Real* dy = call.Input(0);
  const Real* gate_up = call.Input(1);
  const Out<Real> dgate_up = call.Output(0);
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t f = 0; f < F; ++f) {
      const int64_t at = n * 2 * F + f;
      const double d = double{dy[n * F + f]}, gate = double{gate_up[at]},
                   up = double{gate_up[at + F]};
      dgate_up[at] = static_cast<Real>(d * up * ActivationSlope(activation, gate));
      dgate_up[at + F] = static_cast<Real>(d * Activate(activation, gate));
    }
  }
  return plugins::kOk;
}

template int32_t Glu(Call<float>&);
template int32_t Glu(Call<double>&);
template int32_t GluBackward(Call<float>&);
template int32_t GluBackward(Call<double>&);

}  // namespace shoal::reference
