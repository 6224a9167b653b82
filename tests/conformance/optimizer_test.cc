// SUM, GLOBAL_NORM and ADAMW.
#include <cmath>

#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

class OptimizerTest : public Conformance {};

TEST_P(OptimizerTest, Sum) {
  for (const int64_t rows : {1, 3, 100, 1001}) {
    Draw draw(71, rows, 1024);
    OneOp op(SHOAL_OP_SUM, dtype(), rows);
    Tensor x = draw.Rows(real(), 0);
    for (int64_t n = 0; n < rows; ++n) x.values[n] = std::abs(x.values[n]);
    op.In(0, x).Out(0, Garbage(real(), {1}));
    Compare(op, 1e-6);
  }
}

// 2^24 ones and then 1: an f32 accumulator would stop counting.
TEST_P(OptimizerTest, SumAccumulatesInF64) {
  OneOp op(SHOAL_OP_SUM, dtype());
  Tensor x = Constant(real(), {1000}, 1);
  x.values[0] = 16777216;
  op.In(0, x).Out(0, Garbage(real(), {1}));
  const Result result = Compare(op, 1e-7);
  if (result.status.code == 0) {
    EXPECT_EQ(result.outputs[0][0], 16777216 + 1000);
  }
}

TEST_P(OptimizerTest, GlobalNorm) {
  for (const int64_t size : {1, 7, 4096, 100003}) {
    Draw draw(72, 0, 0);
    OneOp op(SHOAL_OP_GLOBAL_NORM, dtype());
    op.In(0, draw.Fixed(real(), {size})).Out(0, Garbage(real(), {1}));
    Compare(op);
  }
}

TEST_P(OptimizerTest, Adamw) {
  for (const int64_t size : {1, 15, 1000, 40001}) {
    for (const float clip : {0.0f, 1.0f, 1e6f}) {
      for (const uint64_t step : {uint64_t{0}, uint64_t{1}, uint64_t{100000}}) {
        SCOPED_TRACE("size " + std::to_string(size) + ", clip " + std::to_string(clip) + ", step " +
                     std::to_string(step));
        Draw draw(73, 0, 0);
        OneOp op(SHOAL_OP_ADAMW, dtype());
        op.attr().adamw = {0.9f, 0.95f, 1e-8f, 0.1f, clip, 0.5f};
        op.scalars().step = step;
        op.scalars().lr = 3e-2f;
        op.In(0, draw.Fixed(real(), {size})).Out(0, draw.Fixed(real(), {size}));
        if (clip > 0) op.In(1, Constant(real(), {1}, std::sqrt(static_cast<double>(size)) + 1));
        Tensor m = draw.Fixed(real(), {size}, 0.1), v = draw.Fixed(real(), {size}, 0.1);
        for (double& value : v.values) value = value * value + 1e-4;
        op.Out(1, m).Out(2, v);
        OneOp with_copy = op;
        Compare(op, kToleranceF32);
        // The copy is rounded p: equal to the reference's but where the two p straddle a rounding
        // border.
        with_copy.Out(3, Garbage(kBf16, {size}));
        Compare(with_copy, kToleranceBf16);
      }
    }
  }
}

TEST_P(OptimizerTest, AdamwCopyIsItsOwnParameterRounded) {
  Draw draw(74, 0, 0);
  OneOp op(SHOAL_OP_ADAMW, dtype());
  op.attr().adamw = {0.9f, 0.95f, 1e-8f, 0.1f, 0, 1};
  op.In(0, draw.Fixed(real(), {777})).Out(0, draw.Fixed(real(), {777}));
  op.Out(1, Constant(real(), {777}, 0))
      .Out(2, Constant(real(), {777}, 0))
      .Out(3, Garbage(kBf16, {777}));
  const Result adamw = op.Run(device());
  if (adamw.status.code != 0) GTEST_SKIP() << adamw.status.message;
  OneOp cast(SHOAL_OP_CAST, dtype());
  cast.In(0, FromValues(real(), {777}, adamw.outputs[0])).Out(0, Garbage(kBf16, {777}));
  EXPECT_EQ(adamw.outputs[3], cast.Run(reference()).outputs[0]);
}

SHOAL_CONFORMANCE_SUITE(OptimizerTest);

}  // namespace
}  // namespace shoal::conformance
