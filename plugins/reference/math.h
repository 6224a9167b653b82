// Small functions shared by the operations.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "plugins/abi/shoal_backend.h"

namespace shoal::reference {

// sum of a[i] b[i]. Eight interleaved partial sums, so that the compiler can use vector registers
// without being allowed to reorder anything.
template <class Real>
double Dot(const Real* a, const Real* b, int64_t count) {
  constexpr int64_t kLanes = 8;
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += double{a[i + lane]} * double{b[i + lane]};
    }
  }
  double sum = 0;
  for (; i < count; ++i) sum += double{a[i]} * double{b[i]};
  for (const double lane : lanes) sum += lane;
  return sum;
}

// sums[i] += factor * x[i]
template <class Real>
void AddScaled(double factor, const Real* x, int64_t count, double* sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += factor * double{x[i]};
}

inline constexpr double kGeluTanhCubic = 0.044715;

inline double Activate(int32_t activation, double x) {
  switch (activation) {
    case SHOAL_ACTIVATION_RELU:
      return x > 0 ? x : 0;
    case SHOAL_ACTIVATION_GELU_TANH:
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + kGeluTanhCubic * x * x * x)));
    case SHOAL_ACTIVATION_GELU_ERF:
      return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case SHOAL_ACTIVATION_SILU:
      return x / (1 + std::exp(-x));
    case SHOAL_ACTIVATION_TANH:
      return std::tanh(x);
    default:
      return x;
  }
}

// act'(saved): `saved` is the activation's output for RELU and TANH, its input for GELU and SILU.
inline double ActivationSlope(int32_t activation, double saved) {
  const double x = saved;
  switch (activation) {
    case SHOAL_ACTIVATION_RELU:
      return saved > 0 ? 1 : 0;
    case SHOAL_ACTIVATION_GELU_TANH: {
      const double c = std::sqrt(2 / std::numbers::pi);
      const double t = std::tanh(c * (x + kGeluTanhCubic * x * x * x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * kGeluTanhCubic * x * x);
    }
    case SHOAL_ACTIVATION_GELU_ERF: {
      const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
      return 0.5 * (1 + std::erf(x / std::numbers::sqrt2)) + x * density;
    }
    case SHOAL_ACTIVATION_SILU: {
      const double sigmoid = 1 / (1 + std::exp(-x));
      return sigmoid * (1 + x * (1 - sigmoid));
    }
    case SHOAL_ACTIVATION_TANH:
      return 1 - saved * saved;
    default:
      return 1;
  }
}

}  // namespace shoal::reference
