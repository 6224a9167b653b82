// The reference backend against itself: every gradient operation against central differences of its
// forward operation, in f64. For L = sum over outputs of weight * value and a random direction u,
//   (L(x + h u) - L(x - h u)) / 2h  must equal  <gradient, u>.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/conformance/one_op.h"

namespace shoal::conformance {
namespace {

constexpr double kStep = 1e-5;       // truncation h^2 ~ 1e-10, rounding eps / h ~ 1e-11
constexpr double kTolerance = 2e-7;  // relative to |gradient| |u|

class GradientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const shoal_status status = device_.Open("reference", 1);
    ASSERT_EQ(status.code, 0) << status.message;
  }

  Result Run(const OneOp& op) {
    Result result = op.Run(device_);
    EXPECT_EQ(result.status.code, 0) << result.status.message;
    return result;
  }

  // sum of weights * output `place`.
  double Weighed(const OneOp& op, int place, const std::vector<double>& weights) {
    const std::vector<double> values = Run(op).outputs[place];
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[i] * weights[i];
    return sum;
  }

  // `gradient` is that of the weighed output `place` with respect to input `input` of `forward`.
  void ExpectGradient(const OneOp& forward, int input, int place,
                      const std::vector<double>& weights, const std::vector<double>& gradient) {
    const auto used = static_cast<size_t>(forward.UsedSize(forward.input(input)));
    ASSERT_EQ(gradient.size(), used);
    double size = 0;
    for (const double g : gradient) size += g * g;
    EXPECT_GT(size, 0) << "a gradient that is zero proves nothing";
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const auto count = static_cast<int64_t>(used);
      const std::vector<double> u = Draw(seed, 0, 0).Fixed(kF64, {count}).values;
      OneOp above = forward, below = forward;
      for (size_t i = 0; i < used; ++i) {
        above.input(input).values[i] += kStep * u[i];
        below.input(input).values[i] -= kStep * u[i];
      }
      const double numeric =
          (Weighed(above, place, weights) - Weighed(below, place, weights)) / (2 * kStep);
      const double analytic = std::inner_product(u.begin(), u.end(), gradient.begin(), 0.0);
      EXPECT_NEAR(analytic, numeric, kTolerance * std::sqrt(size * static_cast<double>(used)))
          << "input " << input << ", direction " << seed;
    }
  }

  Device device_;
};

constexpr int64_t kRowsUsed = 6, kCapacity = 7;

TEST_F(GradientTest, Embedding) {
  Draw draw(1, kRowsUsed, kCapacity);
  const Tensor tokens = draw.Indices(0, 4), positions = draw.Indices(0, 5), dx = draw.Rows(kF64, 8);
  OneOp forward(SHOAL_OP_EMBEDDING, kF64, kRowsUsed);
  forward.attr().embedding.dropout = 0.3f;
  forward.In(0, tokens)
      .In(1, draw.Fixed(kF64, {4, 8}))
      .In(2, positions)
      .In(3, draw.Fixed(kF64, {5, 8}));
  const Tensor segments = draw.Indices(0, 2);
  forward.In(4, segments).In(5, draw.Fixed(kF64, {2, 8}));
  forward.Out(0, draw.RowGarbage(kF64, 8));
  OneOp backward(SHOAL_OP_EMBEDDING_BACKWARD, kF64, kRowsUsed);
  backward.attr().embedding.dropout = 0.3f;
  backward.In(0, dx).In(1, tokens).In(2, positions).In(3, segments);
  backward.Out(0, Garbage(kF64, {4, 8})).Out(1, Garbage(kF64, {5, 8}));
  backward.Out(2, Garbage(kF64, {2, 8}));
  const Result gradient = Run(backward);
  ExpectGradient(forward, 1, 0, dx.values, gradient.outputs[0]);
  ExpectGradient(forward, 3, 0, dx.values, gradient.outputs[1]);
  ExpectGradient(forward, 5, 0, dx.values, gradient.outputs[2]);
}

TEST_F(GradientTest, Linear) {
  Draw draw(2, kRowsUsed, kCapacity);
  const Tensor x = draw.Rows(kF64, 5), w = draw.Fixed(kF64, {4, 5}), dy = draw.Rows(kF64, 4);
  OneOp forward(SHOAL_OP_LINEAR, kF64, kRowsUsed);
  forward.In(0, x).In(1, w).In(2, draw.Fixed(kF64, {4})).Out(0, draw.RowGarbage(kF64, 4));
  OneOp data(SHOAL_OP_LINEAR_BACKWARD_DATA, kF64, kRowsUsed);
  data.In(0, dy).In(1, w).Out(0, draw.RowGarbage(kF64, 5));
  OneOp weights(SHOAL_OP_LINEAR_BACKWARD_WEIGHTS, kF64, kRowsUsed);
  weights.In(0, dy).In(1, x).Out(0, Garbage(kF64, {4, 5})).Out(1, Garbage(kF64, {4}));
  ExpectGradient(forward, 0, 0, dy.values, Run(data).outputs[0]);
  ExpectGradient(forward, 1, 0, dy.values, Run(weights).outputs[0]);
  ExpectGradient(forward, 2, 0, dy.values, Run(weights).outputs[1]);
}

// act(x) followed by a linear layer: dx of the layer, times act', is the gradient at the
// activation's input.
TEST_F(GradientTest, ActivationAloneAndFusedIntoTheLinearGradient) {
  for (const int32_t activation :
       {SHOAL_ACTIVATION_RELU, SHOAL_ACTIVATION_GELU_TANH, SHOAL_ACTIVATION_GELU_ERF,
        SHOAL_ACTIVATION_SILU, SHOAL_ACTIVATION_TANH}) {
    SCOPED_TRACE(activation);
    Draw draw(3, kRowsUsed, kCapacity);
    const Tensor pre = draw.Rows(kF64, 5, 2), w = draw.Fixed(kF64, {4, 5}), dy = draw.Rows(kF64, 4);
    OneOp act(SHOAL_OP_ACTIVATION, kF64, kRowsUsed);
    act.attr().activation.activation = activation;
    act.In(0, pre).Out(0, draw.RowGarbage(kF64, 5));
    Tensor saved = pre;
    if (activation == SHOAL_ACTIVATION_RELU || activation == SHOAL_ACTIVATION_TANH) {
      const std::vector<double> y = Run(act).outputs[0];
      std::copy(y.begin(), y.end(), saved.values.begin());
    }
    OneOp plain(SHOAL_OP_LINEAR_BACKWARD_DATA, kF64, kRowsUsed);
    plain.In(0, dy).In(1, w).Out(0, draw.RowGarbage(kF64, 5));
    OneOp fused = plain;
    fused.attr().linear.activation = activation;
    fused.In(2, saved);
    const std::vector<double> dact = Run(plain).outputs[0];
    Tensor upstream = draw.RowGarbage(kF64, 5);
    std::copy(dact.begin(), dact.end(), upstream.values.begin());
    OneOp alone(SHOAL_OP_ACTIVATION_BACKWARD, kF64, kRowsUsed);
    alone.attr().activation.activation = activation;
    alone.In(0, upstream).In(1, saved).Out(0, draw.RowGarbage(kF64, 5));
    ExpectGradient(act, 0, 0, dact, Run(alone).outputs[0]);
    ExpectGradient(act, 0, 0, dact, Run(fused).outputs[0]);
  }
}

// The backward's skip gradient is the weight of `sum`; its dy that of `y`.
TEST_F(GradientTest, Norm) {
  for (const int32_t kind : {0, 1}) {
    SCOPED_TRACE(kind);
    Draw draw(4, kRowsUsed, kCapacity);
    const Tensor gamma = draw.Fixed(kF64, {8}), dy = draw.Rows(kF64, 8);
    OneOp forward(SHOAL_OP_NORM, kF64, kRowsUsed);
    forward.In(0, draw.Rows(kF64, 8))
        .In(1, gamma)
        .In(2, draw.Fixed(kF64, {8}))
        .In(3, draw.Rows(kF64, 8));
    OneOp backward(SHOAL_OP_NORM_BACKWARD, kF64, kRowsUsed);
    for (OneOp* op : {&forward, &backward}) {
      op->attr().norm.kind = kind;
      op->attr().norm.eps = 1e-3f;
      op->attr().norm.dropout = 0.25f;
    }
    for (const int place : {0, 1}) forward.Out(place, draw.RowGarbage(kF64, 8));
    for (const int place : {2, 3}) forward.Out(place, draw.RowGarbage(kF64, 0));
    const Result done = Run(forward);
    const auto kept = [&](int place, int64_t width) {
      Tensor tensor = draw.RowGarbage(kF64, width);
      std::copy(done.outputs[place].begin(), done.outputs[place].end(), tensor.values.begin());
      return tensor;
    };
    backward.In(0, dy).In(1, kept(1, 8)).In(2, gamma).In(3, kept(2, 0)).In(4, kept(3, 0));
    OneOp with_skip = backward;
    const Tensor dskip = draw.Rows(kF64, 8);
    with_skip.In(5, dskip);
    for (OneOp* op : {&backward, &with_skip}) {
      op->Out(0, draw.RowGarbage(kF64, 8)).Out(1, Garbage(kF64, {8})).Out(2, Garbage(kF64, {8}));
      op->Out(3, draw.RowGarbage(kF64, 8));
    }
    const Result gradient = Run(backward), skipped = Run(with_skip);
    ExpectGradient(forward, 0, 0, dy.values, gradient.outputs[0]);
    ExpectGradient(forward, 1, 0, dy.values, gradient.outputs[1]);
    ExpectGradient(forward, 2, 0, dy.values, gradient.outputs[2]);
    ExpectGradient(forward, 3, 0, dy.values, gradient.outputs[3]);
    for (size_t i = 0; i < gradient.outputs[0].size(); ++i) {
      EXPECT_NEAR(skipped.outputs[0][i], gradient.outputs[0][i] + dskip.values[i], 1e-12);
    }
  }
}

TEST_F(GradientTest, Attention) {
  struct Case {
    int32_t heads, kv_heads, mask;
    int64_t window;
    float dropout;
  };
  for (const Case& c :
       {Case{2, 2, SHOAL_MASK_CAUSAL, 0, 0}, Case{4, 2, SHOAL_MASK_CAUSAL, 0, 0.3f},
        Case{2, 1, SHOAL_MASK_FULL, 0, 0}, Case{2, 2, SHOAL_MASK_SLIDING, 3, 0.2f}}) {
    SCOPED_TRACE(c.mask);
    const int64_t rows = 12, capacity = 13, width = 5, row = (c.heads + 2 * c.kv_heads) * width;
    Draw draw(5, rows, capacity);
    const Tensor qkv = draw.Rows(kF64, row), dout = draw.Rows(kF64, c.heads * width);
    const Tensor offsets = FromValues(kI32, {4}, {0, 4, 5, 12}, kOffsets);
    OneOp forward(SHOAL_OP_ATTENTION, kF64, rows),
        backward(SHOAL_OP_ATTENTION_BACKWARD, kF64, rows);
    for (OneOp* op : {&forward, &backward}) {
      auto& attr = op->attr().attention;
      attr.heads = c.heads, attr.kv_heads = c.kv_heads, attr.head_dim = width;
      attr.mask = c.mask, attr.window = c.window, attr.scale = 0.6f, attr.dropout = c.dropout;
      op->scalars().sequences = 3;
    }
    forward.In(0, qkv).In(1, offsets);
    forward.Out(0, draw.RowGarbage(kF64, c.heads * width)).Out(1, draw.RowGarbage(kF64, c.heads));
    const Result done = Run(forward);
    Tensor out = draw.RowGarbage(kF64, c.heads * width), lse = draw.RowGarbage(kF64, c.heads);
    std::copy(done.outputs[0].begin(), done.outputs[0].end(), out.values.begin());
    std::copy(done.outputs[1].begin(), done.outputs[1].end(), lse.values.begin());
    backward.In(0, dout).In(1, qkv).In(2, out).In(3, lse).In(4, offsets);
    backward.Out(0, draw.RowGarbage(kF64, row));
    ExpectGradient(forward, 0, 0, dout.values, Run(backward).outputs[0]);
  }
}

TEST_F(GradientTest, AddAndDropoutAreTheirOwnBackward) {
  Draw draw(6, kRowsUsed, kCapacity);
  const Tensor weights = draw.Rows(kF64, 8);
  OneOp add(SHOAL_OP_ADD, kF64, kRowsUsed), dropout(SHOAL_OP_DROPOUT, kF64, kRowsUsed);
  add.attr().dropout = dropout.attr().dropout = {0.4f, 11};
  OneOp backward = dropout;
  add.In(0, draw.Rows(kF64, 8)).In(1, draw.Rows(kF64, 8)).Out(0, draw.RowGarbage(kF64, 8));
  dropout.In(0, draw.Rows(kF64, 8)).Out(0, draw.RowGarbage(kF64, 8));
  backward.In(0, weights).Out(0, draw.RowGarbage(kF64, 8));
  const std::vector<double> gradient = Run(backward).outputs[0];
  ExpectGradient(dropout, 0, 0, weights.values, gradient);
  ExpectGradient(add, 1, 0, weights.values, gradient);
}

TEST_F(GradientTest, CrossEntropyAloneAndWithItsLinearLayer) {
  const double scale = 0.125;  // exact in f32
  for (const float smoothing : {0.0f, 0.25f}) {
    Draw draw(7, kRowsUsed, kCapacity);
    const Tensor targets = FromValues(kI32, {kCapacity}, {2, -1, 0, 6, 3, 3, -7777}, kRows);
    const std::vector<double> weights(kRowsUsed, scale);
    OneOp alone(SHOAL_OP_CROSS_ENTROPY, kF64, kRowsUsed);
    OneOp fused(SHOAL_OP_LINEAR_CROSS_ENTROPY, kF64, kRowsUsed);
    for (OneOp* op : {&alone, &fused}) {
      op->attr().linear.real_vocab = 7;
      op->attr().linear.label_smoothing = smoothing;
    }
    alone.In(0, draw.Rows(kF64, 9))
        .In(1, targets)
        .Out(0, draw.RowGarbage(kF64, 0))
        .Out(1, draw.RowGarbage(kF64, 9));
    ExpectGradient(alone, 0, 0, weights, Run(alone).outputs[1]);

    fused.In(0, draw.Rows(kF64, 5)).In(1, draw.Fixed(kF64, {9, 5})).In(2, targets);
    fused.In(3, draw.Fixed(kF64, {9}));
    fused.Out(0, draw.RowGarbage(kF64, 0))
        .Out(1, draw.RowGarbage(kF64, 5))
        .Out(2, Garbage(kF64, {9, 5}))
        .Out(3, Garbage(kF64, {9}));
    const Result gradient = Run(fused);
    ExpectGradient(fused, 0, 0, weights, gradient.outputs[1]);
    ExpectGradient(fused, 1, 0, weights, gradient.outputs[2]);
    ExpectGradient(fused, 3, 0, weights, gradient.outputs[3]);
  }
}

TEST_F(GradientTest, DistillationLoss) {
  const double scale = 0.125;
  Draw draw(8, kRowsUsed, kCapacity);
  OneOp teacher(SHOAL_OP_SOFTMAX, kF64, kRowsUsed);
  teacher.attr().softmax = {0.5f, 1.0f, SHOAL_WRITE_OVERWRITE, 7};
  teacher.In(0, draw.Rows(kF64, 9, 2)).Out(0, draw.RowGarbage(kF64, 9));
  Tensor p = draw.RowGarbage(kF64, 9);
  const std::vector<double> shares = Run(teacher).outputs[0];
  std::copy(shares.begin(), shares.end(), p.values.begin());
  OneOp op(SHOAL_OP_DISTILLATION_LOSS, kF64, kRowsUsed);
  op.attr().distillation = {2.0f, 0.75f, 0.125f, 7};
  op.In(0, draw.Rows(kF64, 9, 2));
  op.In(1, FromValues(kI32, {kCapacity}, {2, -1, 0, 6, 3, 3, -7777}, kRows)).In(2, p);
  op.Out(0, draw.RowGarbage(kF64, 0)).Out(1, draw.RowGarbage(kF64, 9));
  ExpectGradient(op, 0, 0, std::vector<double>(kRowsUsed, scale), Run(op).outputs[1]);
}

TEST_F(GradientTest, RopeIsUndoneByItsInverse) {
  for (const int32_t interleaved : {0, 1}) {
    Draw draw(9, kRowsUsed, kCapacity);
    const Tensor weights = draw.Rows(kF64, 16), positions = draw.Indices(0, 50);
    OneOp forward(SHOAL_OP_ROPE, kF64, kRowsUsed);
    forward.attr().rope = {2, 1, 4, interleaved, 0, 100.0f};
    OneOp backward = forward;
    backward.attr().rope.inverse = 1;
    forward.In(0, draw.Rows(kF64, 16)).In(1, positions).Out(0, draw.RowGarbage(kF64, 16));
    backward.In(0, weights).In(1, positions).Out(0, draw.RowGarbage(kF64, 16));
    ExpectGradient(forward, 0, 0, weights.values, Run(backward).outputs[0]);
  }
}

TEST_F(GradientTest, Glu) {
  for (const int32_t activation : {SHOAL_ACTIVATION_RELU, SHOAL_ACTIVATION_GELU_TANH,
                                   SHOAL_ACTIVATION_GELU_ERF, SHOAL_ACTIVATION_SILU}) {
    SCOPED_TRACE(activation);
    Draw draw(10, kRowsUsed, kCapacity);
    const Tensor gate_up = draw.Rows(kF64, 10, 2), dy = draw.Rows(kF64, 5);
    OneOp forward(SHOAL_OP_GLU, kF64, kRowsUsed), backward(SHOAL_OP_GLU_BACKWARD, kF64, kRowsUsed);
    forward.attr().activation.activation = backward.attr().activation.activation = activation;
    forward.In(0, gate_up).Out(0, draw.RowGarbage(kF64, 5));
    backward.In(0, dy).In(1, gate_up).Out(0, draw.RowGarbage(kF64, 10));
    ExpectGradient(forward, 0, 0, dy.values, Run(backward).outputs[0]);
  }
}

TEST_F(GradientTest, GatherAndMeanPool) {
  Draw draw(11, kRowsUsed, kCapacity);
  const Tensor rows = FromValues(kI32, {3}, {4, 0, 5}, kSelected);
  const Tensor offsets = FromValues(kI32, {4}, {0, 1, 4, 6}, kOffsets);
  Tensor dy = draw.Fixed(kF64, {3, 5});
  dy.extent = kSelected;
  OneOp gather(SHOAL_OP_GATHER_ROWS, kF64, kRowsUsed), pool(SHOAL_OP_MEAN_POOL, kF64, kRowsUsed);
  OneOp scatter(SHOAL_OP_SCATTER_ROWS, kF64, kRowsUsed);
  OneOp spread(SHOAL_OP_MEAN_POOL_BACKWARD, kF64, kRowsUsed);
  for (OneOp* op : {&gather, &pool, &scatter, &spread})
    op->scalars().sequences = op->scalars().selected = 3;
  gather.In(0, draw.Rows(kF64, 5)).In(1, rows).Out(0, Garbage(kF64, {3, 5}, kSelected));
  pool.In(0, draw.Rows(kF64, 5)).In(1, offsets).Out(0, Garbage(kF64, {3, 5}, kSelected));
  scatter.In(0, dy).In(1, rows).Out(0, draw.RowGarbage(kF64, 5));
  spread.In(0, dy).In(1, offsets).Out(0, draw.RowGarbage(kF64, 5));
  ExpectGradient(gather, 0, 0, dy.values, Run(scatter).outputs[0]);
  ExpectGradient(pool, 0, 0, dy.values, Run(spread).outputs[0]);
}

}  // namespace
}  // namespace shoal::conformance
