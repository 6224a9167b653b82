// MUON and MOVING_AVERAGE.
#include <algorithm>
#include <cmath>

#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Shape {
  int64_t M, K;
};
constexpr Shape kShapes[] = {{1, 1}, {1, 40}, {40, 1}, {16, 16}, {24, 65}, {65, 24}, {96, 288}};

class MuonTest : public Conformance {
 protected:
  OneOp Make(const Shape& s, float clip, Draw* draw) {
    OneOp op(SHOAL_OP_MUON, dtype());
    op.attr().muon = {0.95f, 0.1f, clip, 0.5f, 5};
    op.scalars().lr = 0.1f;
    op.In(0, draw->Fixed(real(), {s.M, s.K}));
    if (clip > 0) op.In(1, Constant(real(), {1}, std::sqrt(static_cast<double>(s.M * s.K)) + 1));
    op.Out(0, draw->Fixed(real(), {s.M, s.K})).Out(1, draw->Fixed(real(), {s.M, s.K}, 2));
    return op;
  }
};

// The iteration in bf16 is a different approximation of the same orthogonal matrix, so only its
// size is comparable; p is dominated by what it was before.
TEST_P(MuonTest, EveryShapeWithAndWithoutClipping) {
  for (const Shape& s : kShapes) {
    for (const float clip : {0.0f, 1.0f, 1e6f}) {
      SCOPED_TRACE(std::to_string(s.M) + " x " + std::to_string(s.K) + ", clip " +
                   std::to_string(clip));
      Draw draw(111, 0, 0);
      OneOp op = Make(s, clip, &draw);
      OneOp with_copy = op;
      const double tolerance = dtype() == kBf16 ? 2 * kToleranceBf16 : 5 * kToleranceF32;
      Compare(op, tolerance);
      with_copy.Out(2, Garbage(kBf16, {s.M, s.K}));
      Compare(with_copy, std::max(tolerance, kToleranceBf16));
    }
  }
}

// What is subtracted from p is nearly orthogonal: X X^T is near 1 for the larger singular values.
TEST_P(MuonTest, TheStepIsNearlyOrthogonal) {
  for (const Shape& s : {Shape{16, 64}, Shape{64, 16}}) {
    Draw draw(112, 0, 0);
    OneOp op = Make(s, 0, &draw);
    op.attr().muon = {0.0f, 0.0f, 0.0f, 1.0f, 5};
    op.scalars().lr = 1;
    op.Out(0, Constant(real(), {s.M, s.K}, 0)).Out(1, Constant(real(), {s.M, s.K}, 0));
    const Result result = op.Run(device());
    if (result.status.code != 0) GTEST_SKIP() << result.status.message;
    double squares = 0;  // = sum of the squared singular values, each within [0.68, 1.13]
    for (const double value : result.outputs[0]) squares += value * value;
    squares /= std::max(1.0, static_cast<double>(s.M) / static_cast<double>(s.K));
    EXPECT_GT(squares, 16 * 0.6 * 0.6);
    EXPECT_LT(squares, 16 * 1.25 * 1.25);
  }
}

TEST_P(MuonTest, AZeroGradientMovesNothingButDecay) {
  OneOp op(SHOAL_OP_MUON, dtype());
  op.attr().muon = {0.9f, 0.5f, 0.0f, 1.0f, 3};
  op.scalars().lr = 0.1f;
  op.In(0, Constant(real(), {4, 6}, 0)).Out(0, Constant(real(), {4, 6}, 2));
  op.Out(1, Constant(real(), {4, 6}, 0));
  const Result result = Compare(op, kToleranceF32);
  for (const double value : result.outputs[0]) EXPECT_NEAR(value, 1.9, 1e-6);
}

TEST_P(MuonTest, MovingAverage) {
  for (const int64_t size : {1, 15, 1000, 40001}) {
    for (const uint64_t step : {uint64_t{0}, uint64_t{100000}}) {
      Draw draw(113, 0, 0);
      OneOp op(SHOAL_OP_MOVING_AVERAGE, dtype());
      op.attr().moving_average.decay = 0.999f;
      op.scalars().step = step;
      op.In(0, draw.Fixed(real(), {size})).Out(0, draw.Fixed(real(), {size}));
      OneOp with_copy = op;
      Compare(op, kToleranceF32);
      with_copy.Out(1, Garbage(kBf16, {size}));
      Compare(with_copy, kToleranceBf16);
    }
  }
}

SHOAL_CONFORMANCE_SUITE(MuonTest);

}  // namespace
}  // namespace shoal::conformance
