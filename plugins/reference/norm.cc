// NORM and NORM_BACKWARD: a residual connection and the LayerNorm or RMSNorm after it.
#include <cmath>
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"
#include "plugins/support/philox.h"

namespace shoal::reference {
namespace {

constexpr int32_t kLayerNorm = 0;

struct Statistics {
  double mean;  // 0 for RMSNorm
  double rstd;  // 1 / sqrt(variance or mean square + eps)
};

template <class Real>
Statistics RowStatistics(const Real* row, int64_t D, int32_t kind, double eps) {
  double mean = 0;
  if (kind == kLayerNorm) {
    for (int64_t d = 0; d < D; ++d) mean += double{row[d]};
    mean /= static_cast<double>(D);
  }
  double squares = 0;
  for (int64_t d = 0; d < D; ++d) squares += (double{row[d]} - mean) * (double{row[d]} - mean);
  return {mean, 1 / std::sqrt(squares / static_cast<double>(D) + eps)};
}

}  // namespace

template <class Real>
int32_t Norm(Call<Real>& call) {
  const int64_t N = call.InputRows(0), D = call.InputDim(0, 1);
  const Real* x = call.Input(0);
  const Real* gamma = call.Input(1);
  const Real* beta = call.Input(2);
  const Real* branch = call.Input(3);
  const Out<Real> y = call.Output(0);
  const Out<Real> sum = call.Output(1);
  const Out<Real> mean = call.Output(2);
  const Out<Real> rstd = call.Output(3);
  const auto& attr = call.attr.norm;
  const plugins::Dropout dropout(attr.dropout, attr.stream, call.scalars);
  Real* factors = call.Scratch(D);
  Real* row = call.Scratch(D);

  for (int64_t n = 0; n < N; ++n) {
    for (int64_t d = 0; d < D; ++d) row[d] = x[n * D + d];
    if (branch != nullptr) {
      dropout.Factors(static_cast<uint64_t>(n * D), D, factors);
      for (int64_t d = 0; d < D; ++d) {
        row[d] += branch[n * D + d] * factors[d];
        sum[n * D + d] = row[d];
      }
    }
    const Statistics stats = RowStatistics(row, D, attr.kind, double{attr.eps});
    for (int64_t d = 0; d < D; ++d) {
      const double normalized = (double{row[d]} - stats.mean) * stats.rstd;
      y[n * D + d] = static_cast<Real>(normalized * double{gamma[d]} +
                                       (beta != nullptr ? double{beta[d]} : 0.0));
    }
    if (mean) mean[n] = static_cast<Real>(stats.mean);
    if (rstd) rstd[n] = static_cast<Real>(stats.rstd);
  }
  return plugins::kOk;
}

// With z = (v - mean) rstd and a = dy * gamma, per row:
//   LayerNorm dv = rstd (a - mean(a) - z mean(a z));  RMSNorm the same without mean(a).
template <class Real>
int32_t NormBackward(Call<Real>& call) {
  const int64_t N = call.InputRows(0), D = call.InputDim(0, 1);
  const Real* dy = call.Input(0);
  const Real* v = call.Input(1);
  const Real* gamma = call.Input(2);
  const Real* mean = call.Input(3);
  const Real* rstd = call.Input(4);
  const Real* dskip = call.Input(5);
  const auto& attr = call.attr.norm;
  const Out<Real> dsum = call.Output(0);
  const Out<Real> dgamma = call.Gradient(1, attr.write);
  const Out<Real> dbeta = call.Gradient(2, attr.write);
  const Out<Real> dbranch = call.Output(3);
  const plugins::Dropout dropout(attr.dropout, attr.stream, call.scalars);
  Real* factors = call.Scratch(D);
  double* z = call.Sums(D);
  double* gamma_sums = call.Sums(D);
  double* beta_sums = call.Sums(D);

  for (int64_t n = 0; n < N; ++n) {
    const double center = attr.kind == kLayerNorm ? double{mean[n]} : 0.0;
    double mean_a = 0, mean_az = 0;
    for (int64_t d = 0; d < D; ++d) {
      const double g = double{dy[n * D + d]}, a = g * double{gamma[d]};
      z[d] = (double{v[n * D + d]} - center) * double{rstd[n]};
      gamma_sums[d] += g * z[d];
      beta_sums[d] += g;
      mean_a += a;
      mean_az += a * z[d];
    }
    mean_a = attr.kind == kLayerNorm ? mean_a / static_cast<double>(D) : 0.0;
    mean_az /= static_cast<double>(D);
    dropout.Factors(static_cast<uint64_t>(n * D), D, factors);
    for (int64_t d = 0; d < D; ++d) {
      const int64_t e = n * D + d;
      const double a = double{dy[e]} * double{gamma[d]};
      const double dv = double{rstd[n]} * (a - mean_a - z[d] * mean_az);
      const Real total = static_cast<Real>(dv + (dskip != nullptr ? double{dskip[e]} : 0.0));
      dsum[e] = total;
      if (dbranch) dbranch[e] = total * factors[d];
    }
  }
  for (int64_t d = 0; d < D; ++d) dgamma[d] += static_cast<Real>(gamma_sums[d]);
  if (dbeta) {
    for (int64_t d = 0; d < D; ++d) dbeta[d] += static_cast<Real>(beta_sums[d]);
  }
  return plugins::kOk;
}

template int32_t Norm(Call<float>&);
template int32_t Norm(Call<double>&);
template int32_t NormBackward(Call<float>&);
template int32_t NormBackward(Call<double>&);

}  // namespace shoal::reference
