// MUON (Jordan et al. 2024): a matrix's momentum, made orthogonal by a Newton-Schulz iteration.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "plugins/reference/math.h"
#include "plugins/reference/ops.h"

namespace shoal::reference {
namespace {

constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;

// One step on X [rows, columns]; `a`, `b` have room for [rows, rows], `next` for X.
void NewtonSchulz(double* x, int64_t rows, int64_t columns, double* a, double* b, double* next) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < rows; ++j)
      a[i * rows + j] = Dot(x + i * columns, x + j * columns, columns);
  }
  for (int64_t i = 0; i < rows; ++i) {  // A is symmetric: its rows are its columns
    for (int64_t j = 0; j < rows; ++j)
      b[i * rows + j] = kB * a[i * rows + j] + kC * Dot(a + i * rows, a + j * rows, rows);
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < columns; ++k) next[i * columns + k] = kA * x[i * columns + k];
    for (int64_t j = 0; j < rows; ++j)
      AddScaled(b[i * rows + j], x + j * columns, columns, next + i * columns);
  }
  std::copy_n(next, rows * columns, x);
}

}  // namespace

template <class Real>
int32_t Muon(Call<Real>& call) {
  const auto& attr = call.attr.muon;
  const int64_t M = call.InputDim(0, 0), K = call.InputDim(0, 1);
  const bool transposed = M > K;
  const int64_t rows = std::min(M, K), columns = std::max(M, K);
  const Real* g = call.Input(0);
  const Real* norm = call.Input(1);
  const Out<Real> p = call.InOut(0);
  const Out<Real> m = call.InOut(1);
  const Out<Real> copy = call.Output(2);
  const double beta = double{attr.momentum};
  const double lr = double{call.scalars.lr} * double{attr.lr_multiplier};
  double clip = 1;
  if (attr.clip > 0 && norm != nullptr)
    clip = std::min(1.0, double{attr.clip} / (double{norm[0]} + 1e-6));

  double* x = call.Sums(M * K);
  double* next = call.Sums(M * K);
  double* a = call.Sums(rows * rows);
  double* b = call.Sums(rows * rows);
  const auto place = [&](int64_t e) { return transposed ? e % K * M + e / K : e; };
  double squares = 0;
  for (int64_t e = 0; e < M * K; ++e) {
    const double gradient = double{g[e]} * clip;
    const double momentum = beta * double{m[e]} + gradient;
    m[e] = static_cast<Real>(momentum);
    const double u = gradient + beta * momentum;
    x[place(e)] = u;
    squares += u * u;
  }
  const double size = std::sqrt(squares) + 1e-7;
  for (int64_t e = 0; e < M * K; ++e) x[e] /= size;
  for (int32_t i = 0; i < attr.iterations; ++i) NewtonSchulz(x, rows, columns, a, b, next);
  const double rate =
      lr * std::sqrt(std::max(1.0, static_cast<double>(M) / static_cast<double>(K)));
  for (int64_t e = 0; e < M * K; ++e) {
    const double decay = lr * double{attr.weight_decay} * double{p[e]};
    p[e] = static_cast<Real>(double{p[e]} - rate * x[place(e)] - decay);
    if (copy) copy[e] = p[e];
  }
  return plugins::kOk;
}

template int32_t Muon(Call<float>&);
template int32_t Muon(Call<double>&);

}  // namespace shoal::reference
