// ADD, SCALE, DROPOUT, ACTIVATION, ACTIVATION_BACKWARD, CAST and FILL.
#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

constexpr int32_t kActivations[] = {SHOAL_ACTIVATION_NONE,      SHOAL_ACTIVATION_RELU,
                                    SHOAL_ACTIVATION_GELU_TANH, SHOAL_ACTIVATION_GELU_ERF,
                                    SHOAL_ACTIVATION_SILU,      SHOAL_ACTIVATION_TANH};

struct Shape {
  int64_t rows, capacity, D;
};
constexpr Shape kShapes[] = {{1, 1, 1}, {1, 16, 64}, {13, 13, 31}, {100, 144, 96}};

class ElementwiseTest : public Conformance {};

TEST_P(ElementwiseTest, Add) {
  for (const Shape& s : kShapes) {
    for (const float dropout : {0.0f, 0.1f}) {
      SCOPED_TRACE(std::to_string(s.rows) + " x " + std::to_string(s.D));
      Draw draw(61, s.rows, s.capacity);
      OneOp op(SHOAL_OP_ADD, dtype(), s.rows);
      op.attr().dropout = {dropout, 4};
      op.In(0, draw.Rows(real(), s.D))
          .In(1, draw.Rows(dtype(), s.D))
          .Out(0, draw.RowGarbage(real(), s.D));
      Compare(op, kToleranceF32);
      op.scalars().training = 0;
      Compare(op, kToleranceF32);
    }
  }
}

TEST_P(ElementwiseTest, AddOfAnyTypesAlsoInPlace) {
  for (const Shape& s : kShapes) {
    for (int variant = 0; variant < 8; ++variant) {
      const int32_t a = variant & 1 ? dtype() : real(), b = variant & 2 ? dtype() : real(),
                    out = variant & 4 ? dtype() : real();
      SCOPED_TRACE(std::to_string(s.rows) + " x " + std::to_string(s.D) + ", variant " +
                   std::to_string(variant));
      Draw draw(66, s.rows, s.capacity);
      OneOp op(SHOAL_OP_ADD, dtype(), s.rows);
      op.attr().dropout = {0.1f, 4};
      op.In(0, draw.Rows(a, s.D)).In(1, draw.Rows(b, s.D));
      OneOp over_a = op, over_b = op;
      op.Out(0, draw.RowGarbage(out, s.D));
      Compare(op);
      if (a == out) Compare(over_a.OutOverIn(0, 0));
      if (b == out) Compare(over_b.OutOverIn(0, 1));
    }
  }
}

TEST_P(ElementwiseTest, Scale) {
  for (const Shape& s : kShapes) {
    for (int variant = 0; variant < 8; ++variant) {
      const int32_t from = variant & 1 ? dtype() : real(), to = variant & 2 ? dtype() : real();
      const int32_t write = variant & 4 ? SHOAL_WRITE_ADD : SHOAL_WRITE_OVERWRITE;
      SCOPED_TRACE(std::to_string(s.rows) + " x " + std::to_string(s.D) + ", variant " +
                   std::to_string(variant));
      Draw draw(67, s.rows, s.capacity);
      OneOp op(SHOAL_OP_SCALE, dtype(), s.rows);
      op.attr().scale = {-0.3f, write};
      op.In(0, draw.Rows(from, s.D));
      OneOp in_place = op;
      op.Out(0, write == SHOAL_WRITE_ADD ? draw.Rows(to, s.D) : draw.RowGarbage(to, s.D));
      Compare(op);
      if (from == to) Compare(in_place.OutOverIn(0, 0));
    }
  }
}

TEST_P(ElementwiseTest, Dropout) {
  for (const Shape& s : kShapes) {
    for (const int32_t from : {dtype(), real()}) {
      for (const int32_t to : {dtype(), real()}) {
        Draw draw(62, s.rows, s.capacity);
        OneOp op(SHOAL_OP_DROPOUT, dtype(), s.rows);
        op.attr().dropout = {0.3f, 5};
        op.In(0, draw.Rows(from, s.D)).Out(0, draw.RowGarbage(to, s.D));
        const Result tested = Compare(op);
        const Result expected = op.Run(reference());
        if (tested.status.code != 0) continue;
        for (size_t i = 0; i < expected.outputs[0].size(); ++i) {
          ASSERT_EQ(tested.outputs[0][i] == 0, expected.outputs[0][i] == 0) << "element " << i;
        }
      }
    }
  }
}

// Every word of seed, step and stream changes the mask.
TEST_P(ElementwiseTest, DropoutMaskDependsOnSeedStepAndStream) {
  Draw draw(63, 40, 40);
  OneOp base(SHOAL_OP_DROPOUT, dtype(), 40);
  base.attr().dropout = {0.5f, 5};
  base.In(0, Constant(dtype(), {40, 33}, 1, kRows)).Out(0, draw.RowGarbage(dtype(), 33));
  OneOp low = base, high = base, step = base, stream = base;
  low.scalars().seed ^= 1;
  high.scalars().seed ^= uint64_t{1} << 32;
  step.scalars().step += 1;
  stream.attr().dropout.stream += 1;
  const Result first = Compare(base);
  for (const OneOp* other : {&low, &high, &step, &stream}) {
    const Result result = Compare(*other);
    if (result.status.code == 0) {
      EXPECT_NE(result.outputs[0], first.outputs[0]);
    }
  }
}

TEST_P(ElementwiseTest, ActivationAndItsBackward) {
  for (const Shape& s : kShapes) {
    for (const int32_t activation : kActivations) {
      SCOPED_TRACE("activation " + std::to_string(activation));
      Draw draw(64, s.rows, s.capacity);
      OneOp forward(SHOAL_OP_ACTIVATION, dtype(), s.rows);
      forward.attr().activation.activation = activation;
      forward.In(0, draw.Rows(dtype(), s.D, 2)).Out(0, draw.RowGarbage(dtype(), s.D));
      Compare(forward);
      OneOp backward(SHOAL_OP_ACTIVATION_BACKWARD, dtype(), s.rows);
      backward.attr().activation.activation = activation;
      backward.In(0, draw.Rows(dtype(), s.D)).In(1, draw.Rows(dtype(), s.D, 2));
      backward.Out(0, draw.RowGarbage(dtype(), s.D));
      Compare(backward);
    }
  }
}

TEST_P(ElementwiseTest, CastRoundsToNearestEven) {
  // Halfway cases, the largest value that does not round up to infinity, and values that need no
  // rounding.
  const std::vector<double> values{1,         1.00390625, 1.01171875, -1.00390625,
                                   3.3895e38, 0,          1e-30,      0.3333333};
  for (const int32_t from : {kF32, kBf16}) {
    for (const int32_t to : {kF32, kBf16}) {
      OneOp op(SHOAL_OP_CAST, dtype());
      op.In(0, FromValues(from, {8}, values)).Out(0, Garbage(to, {2, 4}));
      const Result tested = Compare(op);
      if (tested.status.code == 0) {
        EXPECT_EQ(tested.outputs[0], op.Run(reference()).outputs[0]);
      }
    }
  }
}

TEST_P(ElementwiseTest, CastOfRows) {
  for (const Shape& s : kShapes) {
    Draw draw(65, s.rows, s.capacity);
    OneOp op(SHOAL_OP_CAST, dtype(), s.rows);
    op.In(0, draw.Rows(kF32, s.D)).Out(0, draw.RowGarbage(kBf16, s.D));
    const Result tested = Compare(op);
    if (tested.status.code == 0) {
      EXPECT_EQ(tested.outputs[0], op.Run(reference()).outputs[0]);
    }
  }
}

TEST_P(ElementwiseTest, Fill) {
  for (const int32_t type : {dtype(), real()}) {
    OneOp op(SHOAL_OP_FILL, dtype());
    op.attr().fill.value = -0.5f;
    op.Out(0, Garbage(type, {3, 5, 7}));
    Compare(op, 1e-12);
  }
}

SHOAL_CONFORMANCE_SUITE(ElementwiseTest);

}  // namespace
}  // namespace shoal::conformance
