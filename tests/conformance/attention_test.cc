// ATTENTION, ATTENTION_BACKWARD, ATTENTION_CACHED and ATTENTION_PROBABILITIES.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Case {
  std::string name;
  std::vector<int64_t> lengths;
  int64_t spare_rows;  // capacity beyond the rows in use
  int32_t heads, kv_heads, head_dim, mask;
  int64_t window;
};

std::vector<Case> Cases() {
  return {
      {"one row", {1}, 0, 1, 1, 8, SHOAL_MASK_CAUSAL, 0},
      {"several sequences, some of length 1", {1, 7, 1, 20, 3}, 0, 2, 2, 16, SHOAL_MASK_CAUSAL, 0},
      {"an empty sequence", {4, 0, 5}, 7, 2, 2, 16, SHOAL_MASK_CAUSAL, 0},
      {"rows below capacity", {17, 30}, 17, 4, 4, 24, SHOAL_MASK_CAUSAL, 0},
      {"128 rows", {128, 11}, 5, 2, 2, 64, SHOAL_MASK_CAUSAL, 0},
      {"grouped", {33, 2, 16}, 1, 6, 2, 32, SHOAL_MASK_CAUSAL, 0},
      {"one key head", {25, 9}, 0, 4, 1, 20, SHOAL_MASK_CAUSAL, 0},
      {"odd width", {21, 6}, 3, 3, 3, 7, SHOAL_MASK_CAUSAL, 0},
      {"full", {12, 1, 40}, 0, 2, 2, 16, SHOAL_MASK_FULL, 0},
      {"full, grouped", {19, 8}, 5, 4, 2, 16, SHOAL_MASK_FULL, 0},
      {"sliding over 1", {9}, 0, 2, 2, 16, SHOAL_MASK_SLIDING, 1},
      {"sliding over 5", {40, 3}, 2, 2, 1, 16, SHOAL_MASK_SLIDING, 5},
      {"sliding over more than there is", {14}, 0, 2, 2, 16, SHOAL_MASK_SLIDING, 1000},
  };
}

int64_t RowCount(const Case& c) {
  return std::accumulate(c.lengths.begin(), c.lengths.end(), int64_t{0});
}

class AttentionTest : public Conformance {
 protected:
  // Attributes, scalars, and the offsets as input `place`; two entries of them are unused.
  void Configure(const Case& c, float dropout, int place, OneOp* op) {
    auto& attr = op->attr().attention;
    attr.heads = c.heads;
    attr.kv_heads = c.kv_heads;
    attr.head_dim = c.head_dim;
    attr.mask = c.mask;
    attr.window = c.window;
    attr.scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim));
    attr.dropout = dropout;
    attr.stream = 9;
    op->scalars().sequences = static_cast<int64_t>(c.lengths.size());
    op->scalars().longest = *std::max_element(c.lengths.begin(), c.lengths.end());
    std::vector<double> offsets{0};
    for (const int64_t length : c.lengths)
      offsets.push_back(offsets.back() + static_cast<double>(length));
    offsets.insert(offsets.end(), 2, -7777);
    const auto count = static_cast<int64_t>(offsets.size());
    op->In(place, FromValues(kI32, {count}, offsets, kOffsets));
  }

  OneOp Forward(const Case& c, float dropout, uint64_t seed = 41) {
    const int64_t rows = RowCount(c), capacity = rows + c.spare_rows;
    Draw draw(seed, rows, capacity);
    OneOp op(SHOAL_OP_ATTENTION, dtype(), rows);
    op.In(0, draw.Rows(dtype(), (c.heads + 2 * c.kv_heads) * c.head_dim, 1.5));
    Configure(c, dropout, 1, &op);
    op.Out(0, draw.RowGarbage(dtype(), c.heads * c.head_dim));
    return op;
  }
};

TEST_P(AttentionTest, Forward) {
  for (const Case& c : Cases()) {
    for (const float dropout : {0.0f, 0.15f}) {
      SCOPED_TRACE(c.name + ", dropout " + std::to_string(dropout));
      OneOp op = Forward(c, dropout);
      Compare(op);  // without lse
      op.Out(1, Garbage(real(), {RowCount(c) + c.spare_rows, c.heads}, kRows));
      Compare(op);
      op.scalars().training = 0;
      Compare(op);
    }
  }
}

TEST_P(AttentionTest, ForwardSurvivesLargeScores) {
  OneOp op = Forward({"large", {20, 7}, 0, 2, 2, 16, SHOAL_MASK_CAUSAL, 0}, 0);
  op.attr().attention.scale = 40;  // exp(score) alone would overflow
  op.Out(1, Garbage(real(), {27, 2}, kRows));
  Compare(op, dtype() == kBf16 ? kToleranceBf16 : 1e-4);  // scores of some 1e3 carry errors of 1e-4
}

TEST_P(AttentionTest, Backward) {
  for (const Case& c : Cases()) {
    for (const float dropout : {0.0f, 0.15f}) {
      SCOPED_TRACE(c.name + ", dropout " + std::to_string(dropout));
      const int64_t rows = RowCount(c), capacity = rows + c.spare_rows;
      OneOp forward = Forward(c, dropout);
      forward.Out(1, Garbage(real(), {capacity, c.heads}, kRows));
      const Result done = forward.Run(reference());
      ASSERT_EQ(done.status.code, 0) << done.status.message;

      Draw draw(42, rows, capacity);
      Tensor out = draw.RowGarbage(dtype(), c.heads * c.head_dim),
             lse = draw.RowGarbage(real(), c.heads);
      std::copy(done.outputs[0].begin(), done.outputs[0].end(), out.values.begin());
      std::copy(done.outputs[1].begin(), done.outputs[1].end(), lse.values.begin());
      OneOp op(SHOAL_OP_ATTENTION_BACKWARD, dtype(), rows);
      op.In(0, draw.Rows(dtype(), c.heads * c.head_dim))
          .In(1, forward.input(0))
          .In(2, out)
          .In(3, lse);
      Configure(c, dropout, 4, &op);
      op.Out(0, draw.RowGarbage(dtype(), (c.heads + 2 * c.kv_heads) * c.head_dim));
      Compare(op);
    }
  }
}

// Values that mark their key show which probabilities were dropped: out[n, h, j] is 0 exactly where
// (n, h, j) was.
TEST_P(AttentionTest, DropsExactlyTheDocumentedProbabilities) {
  const int64_t length = 16;
  const Case c{"marked", {3, length}, 0, 2, 2, 16, SHOAL_MASK_FULL, 0};
  OneOp op = Forward(c, 0.3f);
  const int64_t row = 6 * 16;
  for (int64_t j = 0; j < length; ++j) {
    for (int64_t h = 0; h < 2; ++h) {
      for (int64_t k = 0; k < 16; ++k) {
        op.input(0).values[static_cast<size_t>((3 + j) * row + (4 + h) * 16 + k)] = j == k ? 1 : 0;
      }
    }
  }
  const Result result = Compare(op);
  const Result expected = op.Run(reference());
  if (result.status.code != 0) return;
  int dropped = 0;
  for (size_t i = 3 * 32; i < result.outputs[0].size(); ++i) {
    EXPECT_EQ(result.outputs[0][i] == 0, expected.outputs[0][i] == 0) << "element " << i;
    dropped += result.outputs[0][i] == 0;
  }
  EXPECT_GT(dropped, 90);  // of 512, 154 are expected
  EXPECT_LT(dropped, 220);
}

TEST_P(AttentionTest, Cached) {
  struct Step {
    int64_t rows, cached;
  };
  for (const Case& c : Cases()) {
    if (c.mask == SHOAL_MASK_FULL) continue;
    for (const Step step : {Step{1, 0}, Step{9, 0}, Step{1, 9}, Step{1, 31}, Step{4, 20}}) {
      SCOPED_TRACE(c.name + ", rows " + std::to_string(step.rows) + " after " +
                   std::to_string(step.cached));
      const int64_t places = 32, width = c.kv_heads * c.head_dim;
      Draw draw(43, step.rows, 16), cache(44, 0, 0);
      OneOp op(SHOAL_OP_ATTENTION_CACHED, dtype(), step.rows);
      op.In(0, draw.Rows(dtype(), (c.heads + 2 * c.kv_heads) * c.head_dim, 1.5));
      Configure(c, 0, 1, &op);
      op.RemoveInput(1);
      op.scalars().cache_length = step.cached;
      op.Out(0, draw.RowGarbage(dtype(), c.heads * c.head_dim));
      op.Out(1, cache.Fixed(dtype(), {places, width}))
          .Out(2, cache.Fixed(dtype(), {places, width}));
      Compare(op);
    }
  }
}

TEST_P(AttentionTest, Probabilities) {
  for (const Case& c : Cases()) {
    for (const int64_t places : {int64_t{1}, int64_t{7}, int64_t{130}}) {
      SCOPED_TRACE(c.name + ", places " + std::to_string(places));
      const int64_t capacity = RowCount(c) + c.spare_rows;
      OneOp op(SHOAL_OP_ATTENTION_PROBABILITIES, dtype(), RowCount(c));
      op.In(0, Forward(c, 0).input(0));
      Configure(c, 0.5f, 1, &op);  // no dropout here, whatever the attribute
      op.Out(0, Garbage(real(), {capacity, c.heads * places}, kRows));
      Compare(op, kToleranceF32 * 2);
    }
  }
}

SHOAL_CONFORMANCE_SUITE(AttentionTest);

}  // namespace
}  // namespace shoal::conformance
