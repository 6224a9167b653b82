// EMBEDDING and its backward.
//
// The backward adds rows in order of n. Threads share the width, not the rows: each walks all rows
// over its own columns, so that the sums do not depend on the number of threads and no two threads
// meet.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/onednn/embedding.cc"
#include "hwy/foreach_target.h"
// Highway wants its headers after foreach_target.h.
#include "plugins/onednn/device.h"
#include "plugins/onednn/dropout.h"
#include "plugins/onednn/philox-inl.h"
#include "plugins/onednn/vector-inl.h"

#ifndef SHOAL_PLUGINS_ONEDNN_EMBEDDING_ARGS_
#define SHOAL_PLUGINS_ONEDNN_EMBEDDING_ARGS_
namespace shoal::onednn {
struct EmbeddingArgs {
  const int32_t *tokens, *positions, *segments;
  const float *table, *pos_table, *segment_table;
  float* x;
  int64_t width;
  DropoutKey dropout;
};
struct EmbeddingBackwardArgs {
  const float* dx;
  const int32_t *tokens, *positions, *segments;
  float *dtable, *dpos_table, *dsegment_table;
  int64_t rows, width;
  DropoutKey dropout;
};
}  // namespace shoal::onednn
#endif

HWY_BEFORE_NAMESPACE();
namespace shoal::onednn {
namespace HWY_NAMESPACE {

void EmbeddingRows(const EmbeddingArgs& a, int64_t begin, int64_t end) {
  alignas(64) float buffer[kMaskBuffer];
  for (int64_t n = begin; n < end; ++n) {
    const float* const token = a.table + a.tokens[n] * a.width;
    const float* const position =
        a.pos_table == nullptr ? nullptr : a.pos_table + a.positions[n] * a.width;
    const float* const segment =
        a.segment_table == nullptr ? nullptr : a.segment_table + a.segments[n] * a.width;
    for (int64_t at = 0; at < a.width; at += kMaskPiece) {
      const int64_t count = HWY_MIN(kMaskPiece, a.width - at);
      const uint64_t first = static_cast<uint64_t>(n * a.width + at);
      const float* const factors =
          a.dropout.active ? DrawRow(a.dropout, first, count, buffer) : nullptr;
      ForLanes(count, [&](int64_t i, auto lanes) {
        V v = Load(token + at + i, lanes);
        if (position != nullptr) v = hn::Add(v, Load(position + at + i, lanes));
        if (segment != nullptr) v = hn::Add(v, Load(segment + at + i, lanes));
        if (factors != nullptr) v = hn::Mul(v, Load(factors + i, lanes));
        Store(v, a.x + n * a.width + at + i, lanes);
      });
    }
  }
}

// Columns [begin, end) of every row.
void EmbeddingBackwardColumns(const EmbeddingBackwardArgs& a, int64_t begin, int64_t end) {
  alignas(64) float buffer[kMaskBuffer];
  for (int64_t n = 0; n < a.rows; ++n) {
    float* const token = a.dtable + a.tokens[n] * a.width;
    float* const position =
        a.dpos_table == nullptr ? nullptr : a.dpos_table + a.positions[n] * a.width;
    float* const segment =
        a.dsegment_table == nullptr ? nullptr : a.dsegment_table + a.segments[n] * a.width;
    for (int64_t at = begin; at < end; at += kMaskPiece) {
      const int64_t count = HWY_MIN(kMaskPiece, end - at);
      const uint64_t first = static_cast<uint64_t>(n * a.width + at);
      const float* const factors =
          a.dropout.active ? DrawRow(a.dropout, first, count, buffer) : nullptr;
      ForLanes(count, [&](int64_t i, auto lanes) {
        V v = Load(a.dx + first + i, lanes);
        if (factors != nullptr) v = hn::Mul(v, Load(factors + i, lanes));
        Store(hn::Add(Load(token + at + i, lanes), v), token + at + i, lanes);
        if (position != nullptr)
          Store(hn::Add(Load(position + at + i, lanes), v), position + at + i, lanes);
        if (segment != nullptr)
          Store(hn::Add(Load(segment + at + i, lanes), v), segment + at + i, lanes);
      });
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace shoal::onednn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace shoal::onednn {
namespace {
HWY_EXPORT(EmbeddingRows);
HWY_EXPORT(EmbeddingBackwardColumns);

class Embedding final : public Operation {
 public:
  explicit Embedding(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &tokens = site_.in[0], &table = site_.in[1], &positions = site_.in[2],
                 &pos_table = site_.in[3], &segments = site_.in[4], &segment_table = site_.in[5];
    const auto& attr = site_.op.attr.embedding;
    const int64_t rows = tokens.rows(scalars);
    if (int32_t code = CheckIndices(site_, "tokens", tokens.As<int32_t>(), rows, 0,
                                    table.capacity(), status)) {
      return code;
    }
    if (pos_table) {
      if (int32_t code = CheckIndices(site_, "positions", positions.As<int32_t>(), rows, 0,
                                      pos_table.capacity(), status)) {
        return code;
      }
    }
    if (segment_table) {
      if (int32_t code = CheckIndices(site_, "segments", segments.As<int32_t>(), rows, 0,
                                      segment_table.capacity(), status)) {
        return code;
      }
    }
    const EmbeddingArgs args = {tokens.As<int32_t>(),
                                positions.As<int32_t>(),
                                segments.As<int32_t>(),
                                table.As<float>(),
                                pos_table.As<float>(),
                                segment_table.As<float>(),
                                site_.out[0].As<float>(),
                                table.width(),
                                MakeDropoutKey(attr.dropout, attr.stream, scalars)};
    site_.device.team.Split(rows, args.width * 3, 1, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(EmbeddingRows)(args, begin, end);
    });
    return plugins::kOk;
  }

 private:
  const Site site_;
};

class EmbeddingBackward final : public Operation {
 public:
  explicit EmbeddingBackward(const Site& site) : site_(site) {}

  int32_t Run(const shoal_scalars& scalars, shoal_status* status) override {
    const Tensor &dx = site_.in[0], &tokens = site_.in[1], &positions = site_.in[2],
                 &segments = site_.in[3];
    const Tensor &dtable = site_.out[0], &dpos_table = site_.out[1], &dsegment_table = site_.out[2];
    const auto& attr = site_.op.attr.embedding;
    const int64_t rows = tokens.rows(scalars);
    if (int32_t code = CheckIndices(site_, "tokens", tokens.As<int32_t>(), rows, 0,
                                    dtable.capacity(), status)) {
      return code;
    }
    if (dpos_table) {
      if (int32_t code = CheckIndices(site_, "positions", positions.As<int32_t>(), rows, 0,
                                      dpos_table.capacity(), status)) {
        return code;
      }
    }
    if (dsegment_table) {
      if (int32_t code = CheckIndices(site_, "segments", segments.As<int32_t>(), rows, 0,
                                      dsegment_table.capacity(), status)) {
        return code;
      }
    }
    if (!Accumulates(attr.write, scalars)) Clear(dtable);
    if (dpos_table && !Accumulates(attr.write_positions, scalars)) Clear(dpos_table);
    if (dsegment_table && !Accumulates(attr.write_segments, scalars)) Clear(dsegment_table);
    const EmbeddingBackwardArgs args = {dx.As<float>(),
                                        tokens.As<int32_t>(),
                                        positions.As<int32_t>(),
                                        segments.As<int32_t>(),
                                        dtable.As<float>(),
                                        dpos_table.As<float>(),
                                        dsegment_table.As<float>(),
                                        rows,
                                        dx.width(),
                                        MakeDropoutKey(attr.dropout, attr.stream, scalars)};
    site_.device.team.Split(args.width, rows * 4, kBorder, [&](int64_t begin, int64_t end, int) {
      HWY_DYNAMIC_DISPATCH(EmbeddingBackwardColumns)(args, begin, end);
    });
    return plugins::kOk;
  }

 private:
  static constexpr int64_t kBorder = 16;  // one cache line of f32

  void Clear(const Tensor& gradient) const {
    site_.device.team.Split(
        gradient.capacity(), gradient.width(), 1, [&](int64_t begin, int64_t end, int) {
          std::memset(gradient.As<float>() + begin * gradient.width(), 0,
                      static_cast<size_t>((end - begin) * gradient.row_bytes()));
        });
  }

  const Site site_;
};

}  // namespace

std::unique_ptr<Operation> MakeEmbedding(const Site& site) {
  return std::make_unique<Embedding>(site);
}
std::unique_ptr<Operation> MakeEmbeddingBackward(const Site& site) {
  return std::make_unique<EmbeddingBackward>(site);
}

}  // namespace shoal::onednn
#endif  // HWY_ONCE
