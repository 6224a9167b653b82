// The reference backend against results worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/conformance/one_op.h"

namespace shoal::conformance {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

class ReferenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const shoal_status status = device_.Open("reference", 1);
    ASSERT_EQ(status.code, 0) << status.message;
  }
  Result Run(const OneOp& op) {
    Result result = op.Run(device_);
    EXPECT_EQ(result.status.code, 0) << result.status.message;
    EXPECT_EQ(result.damage, "");
    return result;
  }
  static void ExpectNear(const std::vector<double>& values, const std::vector<double>& expected,
                         double tolerance = 1e-6) {
    EXPECT_THAT(values, Pointwise(DoubleNear(tolerance), expected));
  }

  Device device_;
};

TEST_F(ReferenceTest, EmbeddingAddsTokenAndPositionRows) {
  OneOp op(SHOAL_OP_EMBEDDING, kF32, 3);
  op.In(0, FromValues(kI32, {3}, {1, 0, 1}, kRows)).In(1, FromValues(kF32, {2, 2}, {1, 2, 3, 4}));
  op.In(2, FromValues(kI32, {3}, {0, 1, 1}, kRows))
      .In(3, FromValues(kF32, {2, 2}, {10, 20, 30, 40}));
  op.Out(0, Garbage(kF32, {3, 2}, kRows));
  EXPECT_THAT(Run(op).outputs[0], ElementsAre(13, 24, 31, 42, 33, 44));
}

TEST_F(ReferenceTest, EmbeddingBackwardAddsRowsOfEqualTokens) {
  OneOp op(SHOAL_OP_EMBEDDING_BACKWARD, kF32, 3);
  op.attr().embedding.write = SHOAL_WRITE_ADD;
  op.In(0, FromValues(kF32, {3, 2}, {1, 2, 3, 4, 5, 6}, kRows))
      .In(1, FromValues(kI32, {3}, {1, 0, 1}, kRows));
  op.Out(0, FromValues(kF32, {2, 2}, {100, 100, 100, 100}));
  EXPECT_THAT(Run(op).outputs[0], ElementsAre(103, 104, 106, 108));
}

TEST_F(ReferenceTest, LinearWithBiasAndRelu) {
  OneOp op(SHOAL_OP_LINEAR, kF32, 1);
  op.attr().linear.activation = SHOAL_ACTIVATION_RELU;
  op.In(0, FromValues(kF32, {1, 2}, {1, 2}, kRows)).In(1, FromValues(kF32, {2, 2}, {3, 4, -5, 1}));
  op.In(2, FromValues(kF32, {2}, {0.5, 0.25}));
  op.Out(0, Garbage(kF32, {1, 2}, kRows)).Out(1, Garbage(kF32, {1, 2}, kRows));
  const Result result = Run(op);
  EXPECT_THAT(result.outputs[0], ElementsAre(11.5, 0));
  EXPECT_THAT(result.outputs[1], ElementsAre(11.5, -2.75));
}

TEST_F(ReferenceTest, GeluAtOneAndMinusTwo) {
  OneOp op(SHOAL_OP_ACTIVATION, kF64);
  op.In(0, FromValues(kF64, {2}, {1, -2})).Out(0, Garbage(kF64, {2}));
  op.attr().activation.activation = SHOAL_ACTIVATION_GELU_ERF;
  ExpectNear(Run(op).outputs[0], {0.8413447461, -0.0455002639},
             1e-9);  // x times the normal distribution
  op.attr().activation.activation = SHOAL_ACTIVATION_GELU_TANH;
  ExpectNear(Run(op).outputs[0], {0.8411919906, -0.0454023059}, 1e-9);
}

TEST_F(ReferenceTest, LinearBackwardOfTwoRows) {
  OneOp op(SHOAL_OP_LINEAR_BACKWARD_WEIGHTS, kF32, 2);
  op.In(0, FromValues(kF32, {2, 1}, {2, 3}, kRows))
      .In(1, FromValues(kF32, {2, 2}, {1, 10, 100, 1000}, kRows));
  op.Out(0, Garbage(kF32, {1, 2})).Out(1, Garbage(kF32, {1}));
  const Result result = Run(op);
  EXPECT_THAT(result.outputs[0], ElementsAre(302, 3020));
  EXPECT_THAT(result.outputs[1], ElementsAre(5));
}

TEST_F(ReferenceTest, NormsOfAKnownRow) {
  OneOp op(SHOAL_OP_NORM, kF32, 1);
  op.In(0, FromValues(kF32, {1, 4}, {1, 2, 3, 6}, kRows)).In(1, Constant(kF32, {4}, 2));
  op.Out(0, Garbage(kF32, {1, 4}, kRows))
      .Out(2, Garbage(kF32, {1}, kRows))
      .Out(3, Garbage(kF32, {1}, kRows));
  const Result layer = Run(op);  // mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
  const double r = 1 / std::sqrt(3.5);
  ExpectNear(layer.outputs[0], {-4 * r, -2 * r, 0, 6 * r});
  ExpectNear(layer.outputs[2], {3});
  ExpectNear(layer.outputs[3], {r});
  op.attr().norm.kind = 1;
  const double q = 1 / std::sqrt(12.5);  // mean square 50 / 4
  ExpectNear(Run(op).outputs[0], {2 * q, 4 * q, 6 * q, 12 * q});
}

TEST_F(ReferenceTest, CausalAttentionOfTwoRows) {
  // One head of width 1: q, k, v. Row 0 sees itself; row 1 weighs v = 10 and v = 20 by e^2 and e^6,
  // scale 1.
  OneOp op(SHOAL_OP_ATTENTION, kF32, 2);
  auto& attr = op.attr().attention;
  attr.heads = attr.kv_heads = attr.head_dim = 1;
  attr.scale = 1;
  op.scalars().sequences = 1;
  op.In(0, FromValues(kF32, {2, 3}, {5, 1, 10, 2, 3, 20}, kRows))
      .In(1, FromValues(kI32, {2}, {0, 2}, kOffsets));
  op.Out(0, Garbage(kF32, {2, 1}, kRows)).Out(1, Garbage(kF32, {2, 1}, kRows));
  const double a = std::exp(2), b = std::exp(6);
  const Result result = Run(op);
  ExpectNear(result.outputs[0], {10, (10 * a + 20 * b) / (a + b)}, 1e-5);
  ExpectNear(result.outputs[1], {5, std::log(a + b)}, 1e-5);
}

TEST_F(ReferenceTest, CachedAttentionEqualsPackedAttention) {
  const int64_t rows = 9, width = 4, row = 6 * width;
  Draw draw(5, rows, rows);
  const Tensor qkv = draw.Rows(kF32, row);
  OneOp whole(SHOAL_OP_ATTENTION, kF32, rows);
  const auto configure = [&](OneOp* op) {
    auto& attr = op->attr().attention;
    attr.heads = 2, attr.kv_heads = 2, attr.head_dim = 4, attr.scale = 0.5f;
    attr.mask = SHOAL_MASK_SLIDING, attr.window = 5;
  };
  configure(&whole);
  whole.scalars().sequences = 1;
  whole.In(0, qkv).In(1, FromValues(kI32, {2}, {0, 9}, kOffsets)).Out(0, draw.RowGarbage(kF32, 8));
  const std::vector<double> expected = Run(whole).outputs[0];

  Tensor keys = Constant(kF32, {12, 8}, 0), values = keys;
  std::vector<double> out;
  for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 4}, {4, 1}, {5, 4}}) {
    OneOp part(SHOAL_OP_ATTENTION_CACHED, kF32, count);
    configure(&part);
    part.scalars().cache_length = first;
    const auto begin = qkv.values.begin() + first * row;
    part.In(0, FromValues(kF32, {count, row}, {begin, begin + count * row}, kRows));
    part.Out(0, Garbage(kF32, {count, 8}, kRows)).Out(1, keys).Out(2, values);
    const Result result = Run(part);
    out.insert(out.end(), result.outputs[0].begin(), result.outputs[0].end());
    keys.values = result.outputs[1];
    values.values = result.outputs[2];
  }
  ExpectNear(out, expected);
}

TEST_F(ReferenceTest, CrossEntropyOfUniformLogits) {
  OneOp op(SHOAL_OP_CROSS_ENTROPY, kF32, 2);
  op.attr().linear.real_vocab = 4;
  op.scalars().loss_scale = 0.5f;
  op.In(0, Constant(kF32, {2, 5}, 3, kRows)).In(1, FromValues(kI32, {2}, {1, -1}, kRows));
  op.Out(0, Garbage(kF32, {2}, kRows)).Out(1, Garbage(kF32, {2, 5}, kRows));
  const Result result = Run(op);
  ExpectNear(result.outputs[0], {std::log(4.0), 0});
  ExpectNear(result.outputs[1], {0.125, -0.375, 0.125, 0.125, 0, 0, 0, 0, 0, 0});
}

TEST_F(ReferenceTest, AdamwFirstStep) {
  // Clipped to 1 / (4 + 1e-6): g' = 0.5 or -1. At t = 1 m / (1 - b1) = g', so the step is lr *
  // sign(g').
  OneOp op(SHOAL_OP_ADAMW, kF32);
  op.attr().adamw = {0.9f, 0.95f, 1e-8f, 0.1f, 1.0f, 2.0f};
  op.scalars().step = 0;
  op.scalars().lr = 0.05f;  // times the multiplier: 0.1
  op.In(0, FromValues(kF32, {2}, {2, -4})).In(1, FromValues(kF32, {1}, {4}));
  op.Out(0, FromValues(kF32, {2}, {1, 10}))
      .Out(1, Constant(kF32, {2}, 0))
      .Out(2, Constant(kF32, {2}, 0));
  op.Out(3, Garbage(kBf16, {2}));
  const Result result = Run(op);
  ExpectNear(result.outputs[0], {1 - 0.1 - 0.01, 10 + 0.1 - 0.1}, 1e-5);
  ExpectNear(result.outputs[1], {0.05, -0.1});
  ExpectNear(result.outputs[2], {0.0125, 0.05});
  ExpectNear(result.outputs[3], {0.890625, 10});
}

TEST_F(ReferenceTest, EmbeddingAddsSegmentRows) {
  OneOp op(SHOAL_OP_EMBEDDING, kF32, 2);
  op.In(0, FromValues(kI32, {2}, {1, 0}, kRows)).In(1, FromValues(kF32, {2, 2}, {1, 2, 3, 4}));
  op.In(4, FromValues(kI32, {2}, {1, 1}, kRows)).In(5, FromValues(kF32, {2, 2}, {10, 20, 30, 40}));
  op.Out(0, Garbage(kF32, {2, 2}, kRows));
  EXPECT_THAT(Run(op).outputs[0], ElementsAre(33, 44, 31, 42));
}

TEST_F(ReferenceTest, SiluAndTanhAtOne) {
  OneOp op(SHOAL_OP_ACTIVATION, kF64);
  op.In(0, FromValues(kF64, {2}, {1, -2})).Out(0, Garbage(kF64, {2}));
  op.attr().activation.activation = SHOAL_ACTIVATION_SILU;  // x / (1 + e^-x)
  ExpectNear(Run(op).outputs[0], {0.7310585786, -0.2384058440}, 1e-9);
  op.attr().activation.activation = SHOAL_ACTIVATION_TANH;
  ExpectNear(Run(op).outputs[0], {0.7615941560, -0.9640275801}, 1e-9);
}

// One head of width 4 at position 1, theta 10000: pair 0 turns by 1 radian, pair 1 by 0.01.
TEST_F(ReferenceTest, RopeTurnsPairsOfBothLayouts) {
  const double c0 = std::cos(1), s0 = std::sin(1), c1 = std::cos(0.01), s1 = std::sin(0.01);
  OneOp op(SHOAL_OP_ROPE, kF64, 1);
  op.attr().rope = {1, 1, 4, 0, 0, 10000.0f};
  op.In(0, FromValues(kF64, {1, 12}, {1, 2, 3, 4, 1, 0, 0, 0, 5, 6, 7, 8}, kRows));
  op.In(1, FromValues(kI32, {1}, {1}, kRows)).Out(0, Garbage(kF64, {1, 12}, kRows));
  ExpectNear(Run(op).outputs[0],
             {c0 - 3 * s0, 2 * c1 - 4 * s1, s0 + 3 * c0, 2 * s1 + 4 * c1, c0, 0, s0, 0, 5, 6, 7, 8},
             1e-12);
  op.attr().rope.interleaved = 1;
  ExpectNear(Run(op).outputs[0],
             {c0 - 2 * s0, s0 + 2 * c0, 3 * c1 - 4 * s1, 3 * s1 + 4 * c1, c0, s0, 0, 0, 5, 6, 7, 8},
             1e-12);
}

TEST_F(ReferenceTest, GluGatesWithItsFirstHalf) {
  OneOp op(SHOAL_OP_GLU, kF32, 1);
  op.attr().activation.activation = SHOAL_ACTIVATION_RELU;
  op.In(0, FromValues(kF32, {1, 4}, {2, -1, 10, 20}, kRows)).Out(0, Garbage(kF32, {1, 2}, kRows));
  EXPECT_THAT(Run(op).outputs[0], ElementsAre(20, 0));
}

TEST_F(ReferenceTest, PoolsScattersAndScales) {
  OneOp pool(SHOAL_OP_MEAN_POOL, kF32, 3);
  pool.scalars().sequences = pool.scalars().selected = 3;
  pool.In(0, FromValues(kF32, {3, 2}, {1, 2, 3, 6, 9, 9}, kRows));
  pool.In(1, FromValues(kI32, {4}, {0, 2, 2, 3}, kOffsets));
  pool.Out(0, Garbage(kF32, {3, 2}, kSelected));
  EXPECT_THAT(Run(pool).outputs[0], ElementsAre(2, 4, 0, 0, 9, 9));

  OneOp scatter(SHOAL_OP_SCATTER_ROWS, kF32, 3);
  scatter.scalars().selected = 2;
  scatter.In(0, FromValues(kF32, {2, 1}, {5, 7}, kSelected));
  scatter.In(1, FromValues(kI32, {2}, {2, 0}, kSelected)).Out(0, Garbage(kF32, {3, 1}, kRows));
  EXPECT_THAT(Run(scatter).outputs[0], ElementsAre(7, 0, 5));

  OneOp scale(SHOAL_OP_SCALE, kF32);
  scale.attr().scale = {0.5f, SHOAL_WRITE_ADD};
  scale.In(0, FromValues(kF32, {2}, {4, -6})).Out(0, FromValues(kF32, {2}, {1, 1}));
  EXPECT_THAT(Run(scale).outputs[0], ElementsAre(3, -2));
}

// Uniform logits over 4 real columns, smoothing 0.4: the target's weight is 0.7, the others' 0.1.
TEST_F(ReferenceTest, SmoothedCrossEntropyOfUniformLogits) {
  OneOp op(SHOAL_OP_CROSS_ENTROPY, kF32, 1);
  op.attr().linear.real_vocab = 4;
  op.attr().linear.label_smoothing = 0.4f;
  op.scalars().loss_scale = 1;
  op.In(0, Constant(kF32, {1, 5}, 3, kRows)).In(1, FromValues(kI32, {1}, {1}, kRows));
  op.Out(0, Garbage(kF32, {1}, kRows)).Out(1, Garbage(kF32, {1, 5}, kRows));
  const Result result = Run(op);
  ExpectNear(result.outputs[0], {std::log(4.0)});
  ExpectNear(result.outputs[1], {0.15, -0.45, 0.15, 0.15, 0});
  op.scalars().training = 0;
  ExpectNear(Run(op).outputs[1], {0.25, -0.75, 0.25, 0.25, 0});
}

// Logits 0, ln 3: softmax 1/4, 3/4. A teacher that is sure of column 1 diverges by -log(3/4).
TEST_F(ReferenceTest, DistillationOfTwoColumns) {
  OneOp op(SHOAL_OP_DISTILLATION_LOSS, kF32, 1);
  op.attr().distillation = {1.0f, 0.25f, 0.0f, 0};
  op.scalars().loss_scale = 1;
  op.In(0, FromValues(kF32, {1, 2}, {0, std::log(3.0)}, kRows));
  op.In(1, FromValues(kI32, {1}, {0}, kRows)).In(2, FromValues(kF32, {1, 2}, {0, 1}, kRows));
  op.Out(0, Garbage(kF32, {1}, kRows)).Out(1, Garbage(kF32, {1, 2}, kRows));
  const Result result = Run(op);
  ExpectNear(result.outputs[0], {0.75 * std::log(4.0) + 0.25 * std::log(4.0 / 3)});
  ExpectNear(result.outputs[1], {0.75 * -0.75 + 0.25 * 0.25, 0.75 * 0.75 - 0.25 * 0.25});

  OneOp softmax(SHOAL_OP_SOFTMAX, kF32, 1);
  softmax.attr().softmax = {2.0f, 0.5f, SHOAL_WRITE_ADD, 2};  // 3^2 against 1
  softmax.In(0, FromValues(kF32, {1, 3}, {0, std::log(3.0), 50}, kRows));
  softmax.Out(0, Constant(kF32, {1, 3}, 0.125, kRows));
  ExpectNear(Run(softmax).outputs[0], {0.125 + 0.05, 0.125 + 0.45, 0.125});
}

// A 1 x 1 matrix: X = 1, and each step takes x to 3.4445 x - 4.775 x^3 + 2.0315 x^5.
TEST_F(ReferenceTest, MuonOfANumber) {
  OneOp op(SHOAL_OP_MUON, kF64);
  op.attr().muon = {0.5f, 0.5f, 0.0f, 2.0f, 2};
  op.scalars().lr = 0.25f;  // times the multiplier: 0.5
  op.In(0, FromValues(kF64, {1, 1}, {3})).Out(0, FromValues(kF64, {1, 1}, {10}));
  op.Out(1, FromValues(kF64, {1, 1}, {4}));
  const auto step = [](double x) {
    return 3.4445 * x - 4.775 * std::pow(x, 3) + 2.0315 * std::pow(x, 5);
  };
  const Result result = Run(op);
  ExpectNear(result.outputs[1], {5});  // 0.5 * 4 + 3
  ExpectNear(result.outputs[0], {10 - 0.5 * step(step(1)) - 0.5 * 0.5 * 10}, 1e-6);
}

TEST_F(ReferenceTest, MovingAverageBeginsQuickly) {
  OneOp op(SHOAL_OP_MOVING_AVERAGE, kF32);
  op.attr().moving_average.decay = 0.9f;
  op.scalars().step = 0;  // decay' = 2 / 11
  op.In(0, FromValues(kF32, {1}, {11})).Out(0, FromValues(kF32, {1}, {22}));
  op.Out(1, Garbage(kBf16, {1}));
  const Result result = Run(op);
  ExpectNear(result.outputs[0], {4 + 9}, 1e-5);
  ExpectNear(result.outputs[1], {13});
  op.scalars().step = 1000;
  ExpectNear(Run(op).outputs[0], {0.9 * 22 + 0.1 * 11}, 1e-5);
}

TEST_F(ReferenceTest, AttentionProbabilitiesOfTwoRows) {
  OneOp op(SHOAL_OP_ATTENTION_PROBABILITIES, kF32, 2);
  auto& attr = op.attr().attention;
  attr.heads = attr.kv_heads = attr.head_dim = 1;
  attr.scale = 1;
  op.scalars().sequences = 1;
  op.In(0, FromValues(kF32, {2, 3}, {5, 1, 10, 2, 3, 20}, kRows))
      .In(1, FromValues(kI32, {2}, {0, 2}, kOffsets));
  op.Out(0, Garbage(kF32, {2, 3}, kRows));
  const double a = std::exp(2), b = std::exp(6);
  ExpectNear(Run(op).outputs[0], {1, 0, 0, a / (a + b), b / (a + b), 0});
}

TEST_F(ReferenceTest, ReductionsOfThreeNumbers) {
  OneOp sum(SHOAL_OP_SUM, kF32), norm(SHOAL_OP_GLOBAL_NORM, kF32);
  sum.In(0, FromValues(kF32, {3}, {3, -4, 12})).Out(0, Garbage(kF32, {1}));
  norm.In(0, FromValues(kF32, {3}, {3, -4, 12})).Out(0, Garbage(kF32, {1}));
  EXPECT_THAT(Run(sum).outputs[0], ElementsAre(11));
  EXPECT_THAT(Run(norm).outputs[0], ElementsAre(13));
}

// The contents of index tensors are the host's promise; the oracle holds it to it.
TEST_F(ReferenceTest, RefusesIndicesOutOfRange) {
  OneOp token(SHOAL_OP_EMBEDDING, kF32, 2);
  token.In(0, FromValues(kI32, {2}, {0, 2}, kRows))
      .In(1, Constant(kF32, {2, 2}, 0))
      .Out(0, Garbage(kF32, {2, 2}, kRows));
  const Result tokens = token.Run(device_);
  EXPECT_EQ(tokens.status.code, 3);
  EXPECT_THAT(tokens.status.message, HasSubstr("tokens[1] is 2, expected 0 to 1"));

  OneOp loss(SHOAL_OP_CROSS_ENTROPY, kF32, 1);
  loss.attr().linear.real_vocab = 3;
  loss.In(0, Constant(kF32, {1, 4}, 0, kRows))
      .In(1, FromValues(kI32, {1}, {3}, kRows))
      .Out(0, Garbage(kF32, {1}, kRows));
  EXPECT_THAT(loss.Run(device_).status.message, HasSubstr("targets[0] is 3"));
}

TEST_F(ReferenceTest, RefusesOffsetsThatDoNotCutTheRows) {
  for (const std::vector<double>& offsets :
       {std::vector<double>{1, 2, 4}, {0, 3, 2}, {0, 2, 3}, {0, 2, 5}, {0, 0, 4}}) {
    OneOp op(SHOAL_OP_ATTENTION, kF32, 4);
    auto& attr = op.attr().attention;
    attr.heads = attr.kv_heads = attr.head_dim = 1;
    op.scalars().sequences = 2;
    op.scalars().longest = 3;
    op.In(0, Constant(kF32, {4, 3}, 0, kRows)).In(1, FromValues(kI32, {3}, offsets, kOffsets));
    op.Out(0, Garbage(kF32, {4, 1}, kRows));
    const Result result = op.Run(device_);
    EXPECT_EQ(result.status.code, 3) << ::testing::PrintToString(offsets);
    EXPECT_THAT(result.status.message, HasSubstr("offsets["));
  }
}

}  // namespace
}  // namespace shoal::conformance
