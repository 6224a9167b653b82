// EMBEDDING, its gradient, GATHER_ROWS and SCATTER_ROWS: copying and adding rows named by an index
// tensor.
#include <cstdint>

#include "plugins/reference/ops.h"
#include "plugins/support/philox.h"

namespace shoal::reference {

template <class Real>
int32_t Embedding(Call<Real>& call) {
  const int64_t N = call.InputRows(0), V = call.InputDim(1, 0), D = call.InputDim(1, 1);
  const int32_t* tokens = call.Integers(0);
  const Real* table = call.Input(1);
  const int32_t* positions = call.Integers(2);
  const Real* pos_table = call.Input(3);
  const int32_t* segments = call.Integers(4);
  const Real* segment_table = call.Input(5);
  const Out<Real> x = call.Output(0);
  const plugins::Dropout dropout(call.attr.embedding.dropout, call.attr.embedding.stream,
                                 call.scalars);
  Real* factors = call.Scratch(D);

  for (int64_t n = 0; n < N; ++n) {
    if (tokens[n] < 0 || tokens[n] >= V) return call.RefuseIndex("tokens", n, tokens[n], 0, V);
    const Real* row = table + tokens[n] * D;
    const Real* pos_row = nullptr;
    if (pos_table != nullptr) {
      const int64_t P = call.InputDim(3, 0);
      if (positions[n] < 0 || positions[n] >= P)
        return call.RefuseIndex("positions", n, positions[n], 0, P);
      pos_row = pos_table + positions[n] * D;
    }
    const Real* segment_row = nullptr;
    if (segment_table != nullptr) {
      const int64_t G = call.InputDim(5, 0);
      if (segments[n] < 0 || segments[n] >= G)
        return call.RefuseIndex("segments", n, segments[n], 0, G);
      segment_row = segment_table + segments[n] * D;
    }
    dropout.Factors(static_cast<uint64_t>(n * D), D, factors);
    for (int64_t d = 0; d < D; ++d) {
      x[n * D + d] = (row[d] + (pos_row != nullptr ? pos_row[d] : Real{0}) +
                      (segment_row != nullptr ? segment_row[d] : Real{0})) *
                     factors[d];
    }
  }
  return plugins::kOk;
}

template <class Real>
int32_t EmbeddingBackward(Call<Real>& call) {
  const int64_t N = call.InputRows(0), D = call.InputDim(0, 1), V = call.OutputDim(0, 0);
  const Real* dx = call.Input(0);
  const int32_t* tokens = call.Integers(1);
  const int32_t* positions = call.Integers(2);
  const int32_t* segments = call.Integers(3);
  const Out<Real> dtable = call.Gradient(0, call.attr.embedding.write);
  const Out<Real> dpos_table = call.Gradient(1, call.attr.embedding.write_positions);
  const Out<Real> dsegment_table = call.Gradient(2, call.attr.embedding.write_segments);
  const plugins::Dropout dropout(call.attr.embedding.dropout, call.attr.embedding.stream,
                                 call.scalars);
  Real* factors = call.Scratch(D);

  for (int64_t n = 0; n < N; ++n) {
    if (tokens[n] < 0 || tokens[n] >= V) return call.RefuseIndex("tokens", n, tokens[n], 0, V);
    dropout.Factors(static_cast<uint64_t>(n * D), D, factors);
    for (int64_t d = 0; d < D; ++d) dtable[tokens[n] * D + d] += dx[n * D + d] * factors[d];
    if (dpos_table) {
      const int64_t P = call.OutputDim(1, 0);
      if (positions[n] < 0 || positions[n] >= P)
        return call.RefuseIndex("positions", n, positions[n], 0, P);
      Real* row = dpos_table + positions[n] * D;
      for (int64_t d = 0; d < D; ++d) row[d] += dx[n * D + d] * factors[d];
    }
    if (dsegment_table) {
      const int64_t G = call.OutputDim(2, 0);
      if (segments[n] < 0 || segments[n] >= G)
        return call.RefuseIndex("segments", n, segments[n], 0, G);
      Real* row = dsegment_table + segments[n] * D;
      for (int64_t d = 0; d < D; ++d) row[d] += dx[n * D + d] * factors[d];
    }
  }
  return plugins::kOk;
}

template <class Real>
int32_t GatherRows(Call<Real>& call) {
  const int64_t N = call.InputRows(0), D = call.InputDim(0, 1), R = call.InputRows(1);
  const Real* x = call.Input(0);
  const int32_t* rows = call.Integers(1);
  const Out<Real> y = call.Output(0);
  for (int64_t r = 0; r < R; ++r) {
    if (rows[r] < 0 || rows[r] >= N) return call.RefuseIndex("rows", r, rows[r], 0, N);
    for (int64_t d = 0; d < D; ++d) y[r * D + d] = x[rows[r] * D + d];
  }
  return plugins::kOk;
}

template <class Real>
int32_t ScatterRows(Call<Real>& call) {
  const int64_t N = call.OutputRows(0), D = call.InputDim(0, 1), R = call.InputRows(1);
  const Real* dy = call.Input(0);
  const int32_t* rows = call.Integers(1);
  const Out<Real> dx = call.Output(0);
  std::fill_n(dx + 0, N * D, Real{0});
  for (int64_t r = 0; r < R; ++r) {
    if (rows[r] < 0 || rows[r] >= N) return call.RefuseIndex("rows", r, rows[r], 0, N);
    for (int64_t d = 0; d < D; ++d) dx[rows[r] * D + d] = dy[r * D + d];
  }
  return plugins::kOk;
}

template int32_t Embedding(Call<float>&);
template int32_t Embedding(Call<double>&);
template int32_t EmbeddingBackward(Call<float>&);
template int32_t EmbeddingBackward(Call<double>&);
template int32_t GatherRows(Call<float>&);
template int32_t GatherRows(Call<double>&);
template int32_t ScatterRows(Call<float>&);
template int32_t ScatterRows(Call<double>&);

}  // namespace shoal::reference
