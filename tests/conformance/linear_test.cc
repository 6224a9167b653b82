// LINEAR and its two gradients.
#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Shape {
  int64_t rows, capacity, K, M;
};
// One row, odd sizes, sizes of a tiny model, rows below capacity, capacities that are not multiples
// of 16.
constexpr Shape kShapes[] = {{1, 1, 1, 1},      {1, 16, 64, 32},   {5, 5, 7, 3},
                             {13, 32, 33, 65},  {37, 37, 48, 144}, {64, 64, 64, 192},
                             {50, 130, 96, 40}, {129, 200, 31, 17}};
constexpr int32_t kActivations[] = {SHOAL_ACTIVATION_NONE,      SHOAL_ACTIVATION_RELU,
                                    SHOAL_ACTIVATION_GELU_TANH, SHOAL_ACTIVATION_GELU_ERF,
                                    SHOAL_ACTIVATION_SILU,      SHOAL_ACTIVATION_TANH};

std::string Describe(const Shape& s, int32_t variant) {
  return "rows " + std::to_string(s.rows) + " of " + std::to_string(s.capacity) + ", K " +
         std::to_string(s.K) + ", M " + std::to_string(s.M) + ", variant " +
         std::to_string(variant);
}

class LinearTest : public Conformance {};

TEST_P(LinearTest, ForwardWithEveryActivation) {
  for (const Shape& s : kShapes) {
    for (const int32_t activation : kActivations) {
      SCOPED_TRACE(Describe(s, activation));
      Draw draw(7, s.rows, s.capacity);
      OneOp op(SHOAL_OP_LINEAR, dtype(), s.rows);
      op.In(0, draw.Rows(dtype(), s.K)).In(1, draw.Fixed(dtype(), {s.M, s.K}, 0.3));
      op.In(2, draw.Fixed(real(), {s.M}));
      op.Out(0, draw.RowGarbage(dtype(), s.M));
      if (activation >= SHOAL_ACTIVATION_GELU_TANH) op.Out(1, draw.RowGarbage(dtype(), s.M));
      op.attr().linear.activation = activation;
      Compare(op);
    }
  }
}

TEST_P(LinearTest, ForwardWithoutBiasOrWithF32Output) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(Describe(s, 0));
    Draw draw(8, s.rows, s.capacity);
    OneOp op(SHOAL_OP_LINEAR, dtype(), s.rows);
    op.In(0, draw.Rows(dtype(), s.K)).In(1, draw.Fixed(dtype(), {s.M, s.K}));
    OneOp wide = op;
    op.Out(0, draw.RowGarbage(dtype(), s.M));
    Compare(op);
    wide.In(2, draw.Fixed(real(), {s.M})).Out(0, draw.RowGarbage(real(), s.M));
    Compare(wide, kToleranceF32);  // bf16 products are exact in f32
  }
}

TEST_P(LinearTest, ActivationWithoutPre) {
  for (const int32_t activation : kActivations) {
    Draw draw(9, 19, 24);
    OneOp op(SHOAL_OP_LINEAR, dtype(), 19);
    op.In(0, draw.Rows(dtype(), 40)).In(1, draw.Fixed(dtype(), {56, 40}, 0.2));
    op.Out(0, draw.RowGarbage(dtype(), 56));
    op.attr().linear.activation = activation;
    Compare(op);
  }
}

TEST_P(LinearTest, BackwardData) {
  for (const Shape& s : kShapes) {
    for (const int32_t activation : kActivations) {
      SCOPED_TRACE(Describe(s, activation));
      Draw draw(10, s.rows, s.capacity);
      OneOp op(SHOAL_OP_LINEAR_BACKWARD_DATA, dtype(), s.rows);
      op.In(0, draw.Rows(dtype(), s.M)).In(1, draw.Fixed(dtype(), {s.M, s.K}, 0.3));
      if (activation != SHOAL_ACTIVATION_NONE) op.In(2, draw.Rows(dtype(), s.K));
      op.attr().linear.activation = activation;
      OneOp wide = op;
      op.Out(0, draw.RowGarbage(dtype(), s.K));
      Compare(op);
      wide.Out(0, draw.RowGarbage(real(), s.K));
      Compare(wide);
    }
  }
}

TEST_P(LinearTest, BackwardWeightsInEveryWriteMode) {
  for (const Shape& s : kShapes) {
    for (int32_t variant = 0; variant < 4; ++variant) {
      SCOPED_TRACE(Describe(s, variant));
      Draw draw(11, s.rows, s.capacity);
      OneOp op(SHOAL_OP_LINEAR_BACKWARD_WEIGHTS, dtype(), s.rows);
      op.In(0, draw.Rows(dtype(), s.M)).In(1, draw.Rows(dtype(), s.K));
      // 0 OVERWRITE, 1 ADD, 2 BY_SCALAR that overwrites, 3 BY_SCALAR that adds.
      const bool adds = variant % 2 == 1;
      op.attr().linear.write = std::min<int32_t>(variant, SHOAL_WRITE_BY_SCALAR);
      op.scalars().accumulate = variant == 3;
      op.Out(0, adds ? draw.Fixed(real(), {s.M, s.K}) : Garbage(real(), {s.M, s.K}));
      OneOp with_bias = op;
      Compare(op);
      with_bias.Out(1, adds ? draw.Fixed(real(), {s.M}) : Garbage(real(), {s.M}));
      Compare(with_bias);
    }
  }
}

SHOAL_CONFORMANCE_SUITE(LinearTest);

}  // namespace
}  // namespace shoal::conformance
