// CROSS_ENTROPY and LINEAR_CROSS_ENTROPY.
#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Shape {
  int64_t rows, capacity, V, D, real_vocab;
};
constexpr Shape kShapes[] = {{1, 1, 2, 4, 2},       {1, 16, 64, 32, 64},    {9, 9, 37, 5, 31},
                             {70, 128, 96, 48, 96}, {33, 40, 517, 64, 500}, {20, 24, 100, 33, 0}};

std::string Describe(const Shape& s, int variant) {
  return "rows " + std::to_string(s.rows) + " of " + std::to_string(s.capacity) + ", V " +
         std::to_string(s.V) + ", D " + std::to_string(s.D) + ", real " +
         std::to_string(s.real_vocab) + ", variant " + std::to_string(variant);
}

// Targets below the real vocabulary, about a quarter of them -1; the first row of several is never
// counted.
Tensor Targets(Draw* draw, const Shape& s) {
  const int64_t real = s.real_vocab > 0 ? s.real_vocab : s.V;
  Tensor targets = draw->Indices(-real / 3, real);
  for (int64_t n = 0; n < s.rows; ++n) {
    if (targets.values[n] < 0) targets.values[n] = -1;
  }
  if (s.rows > 1) targets.values[0] = -1;
  if (s.rows == 1) targets.values[0] = static_cast<double>(real - 1);
  return targets;
}

class LossTest : public Conformance {};

TEST_P(LossTest, CrossEntropy) {
  for (const Shape& s : kShapes) {
    for (const int32_t type : {dtype(), real()}) {
      SCOPED_TRACE(Describe(s, type));
      Draw draw(51, s.rows, s.capacity);
      OneOp op(SHOAL_OP_CROSS_ENTROPY, dtype(), s.rows);
      op.attr().linear.real_vocab = s.real_vocab;
      op.In(0, draw.Rows(type, s.V, 4)).In(1, Targets(&draw, s)).Out(0, draw.RowGarbage(real(), 0));
      OneOp separate = op, aliased = op;
      Compare(op);
      separate.Out(1, draw.RowGarbage(type, s.V));
      Compare(separate);
      aliased.OutOverIn(1, 0);
      Compare(aliased);
    }
  }
}

TEST_P(LossTest, LinearCrossEntropyInEveryWriteMode) {
  for (const Shape& s : kShapes) {
    for (int32_t mode = 0; mode < 4; ++mode) {
      SCOPED_TRACE(Describe(s, mode));
      const bool adds = mode % 2 == 1;
      Draw draw(52, s.rows, s.capacity);
      OneOp op(SHOAL_OP_LINEAR_CROSS_ENTROPY, dtype(), s.rows);
      op.attr().linear.real_vocab = s.real_vocab;
      op.attr().linear.write = std::min<int32_t>(mode, SHOAL_WRITE_BY_SCALAR);
      op.attr().linear.block_rows = mode == 0 ? 0 : 8;
      op.scalars().accumulate = mode == 3;
      op.In(0, draw.Rows(dtype(), s.D)).In(1, draw.Fixed(dtype(), {s.V, s.D}, 0.5));
      op.In(2, Targets(&draw, s)).Out(0, draw.RowGarbage(real(), 0));
      OneOp both = op, only_dh = op;
      Compare(op);
      only_dh.Out(1, draw.RowGarbage(dtype(), s.D));
      Compare(only_dh);
      both.Out(1, draw.RowGarbage(dtype(), s.D));
      both.Out(2, adds ? draw.Fixed(real(), {s.V, s.D}, 0.05) : Garbage(real(), {s.V, s.D}));
      Compare(both);
    }
  }
}

TEST_P(LossTest, LabelSmoothing) {
  for (const Shape& s : kShapes) {
    for (const int32_t training : {1, 0}) {
      SCOPED_TRACE(Describe(s, training));
      Draw draw(54, s.rows, s.capacity);
      OneOp alone(SHOAL_OP_CROSS_ENTROPY, dtype(), s.rows);
      alone.In(0, draw.Rows(dtype(), s.V, 4)).In(1, Targets(&draw, s));
      alone.Out(0, draw.RowGarbage(real(), 0)).OutOverIn(1, 0);
      OneOp fused(SHOAL_OP_LINEAR_CROSS_ENTROPY, dtype(), s.rows);
      fused.In(0, draw.Rows(dtype(), s.D)).In(1, draw.Fixed(dtype(), {s.V, s.D}, 0.5));
      fused.In(2, Targets(&draw, s)).Out(0, draw.RowGarbage(real(), 0));
      fused.Out(1, draw.RowGarbage(dtype(), s.D)).Out(2, Garbage(real(), {s.V, s.D}));
      for (OneOp* op : {&alone, &fused}) {
        op->attr().linear.real_vocab = s.real_vocab;
        op->attr().linear.label_smoothing = 0.2f;
        op->scalars().training = training;
        Compare(*op);
      }
    }
  }
}

TEST_P(LossTest, BiasInEveryWriteMode) {
  for (const Shape& s : kShapes) {
    for (int32_t mode = 0; mode < 4; ++mode) {
      SCOPED_TRACE(Describe(s, mode));
      const bool adds = mode % 2 == 1;
      Draw draw(55, s.rows, s.capacity);
      OneOp op(SHOAL_OP_LINEAR_CROSS_ENTROPY, dtype(), s.rows);
      op.attr().linear.real_vocab = s.real_vocab;
      op.attr().linear.write = std::min<int32_t>(mode, SHOAL_WRITE_BY_SCALAR);
      op.attr().linear.block_rows = mode == 0 ? 0 : 16;
      op.scalars().accumulate = mode == 3;
      op.In(0, draw.Rows(dtype(), s.D)).In(1, draw.Fixed(dtype(), {s.V, s.D}, 0.5));
      op.In(2, Targets(&draw, s)).In(3, draw.Fixed(real(), {s.V}));
      op.Out(0, draw.RowGarbage(real(), 0));
      Compare(op);
      op.Out(3, adds ? draw.Fixed(real(), {s.V}) : Garbage(real(), {s.V}));
      Compare(op);  // db without dw
      op.Out(1, draw.RowGarbage(dtype(), s.D));
      op.Out(2, adds ? draw.Fixed(real(), {s.V, s.D}, 0.05) : Garbage(real(), {s.V, s.D}));
      Compare(op);
    }
  }
}

TEST_P(LossTest, NoRowsClearTheGradients) {
  Draw draw(56, 0, 8);
  OneOp op(SHOAL_OP_LINEAR_CROSS_ENTROPY, dtype(), 0);
  op.In(0, draw.Rows(dtype(), 16)).In(1, draw.Fixed(dtype(), {20, 16}));
  op.In(2, Constant(kI32, {8}, -1, kRows)).In(3, draw.Fixed(real(), {20}));
  op.Out(0, draw.RowGarbage(real(), 0)).Out(1, draw.RowGarbage(dtype(), 16));
  op.Out(2, Garbage(real(), {20, 16})).Out(3, Garbage(real(), {20}));
  Compare(op);
}

TEST_P(LossTest, NothingCountedGivesZeros) {
  Draw draw(53, 6, 8);
  OneOp op(SHOAL_OP_LINEAR_CROSS_ENTROPY, dtype(), 6);
  op.In(0, draw.Rows(dtype(), 16)).In(1, draw.Fixed(dtype(), {20, 16}));
  op.In(2, Constant(kI32, {8}, -1, kRows)).Out(0, draw.RowGarbage(real(), 0));
  op.Out(1, draw.RowGarbage(dtype(), 16)).Out(2, Garbage(real(), {20, 16}));
  op.Out(3, Garbage(real(), {20}));
  for (const std::vector<double>& output : Compare(op).outputs) {
    for (const double value : output) ASSERT_EQ(value, 0);
  }
}

SHOAL_CONFORMANCE_SUITE(LossTest);

}  // namespace
}  // namespace shoal::conformance
