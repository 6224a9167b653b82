// ROPE, GLU and GLU_BACKWARD.
#include <algorithm>

#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Shape {
  int64_t rows, capacity;
  int32_t heads, kv_heads, head_dim;
};
constexpr Shape kShapes[] = {{1, 1, 1, 1, 2},    {1, 16, 2, 1, 8},   {7, 9, 3, 3, 6},
                             {45, 64, 6, 2, 32}, {33, 33, 4, 1, 34}, {128, 128, 2, 2, 64}};

class RopeTest : public Conformance {
 protected:
  OneOp Make(const Shape& s, int32_t variant, Draw* draw) {
    OneOp op(SHOAL_OP_ROPE, dtype(), s.rows);
    op.attr().rope = {s.heads, s.kv_heads, s.head_dim, variant % 2, variant / 2, 10000.0f};
    Tensor positions = draw->Indices(0, 2000);
    if (s.rows > 4) {
      positions.values[1] = 0;
      positions.values[2] = 65535;
      positions.values[3] = -3;  // turns the other way
    }
    op.In(0, draw->Rows(dtype(), Row(s))).In(1, positions);
    return op;
  }
  static int64_t Row(const Shape& s) { return (s.heads + 2 * s.kv_heads) * s.head_dim; }
};

TEST_P(RopeTest, BothLayoutsBothDirectionsAlsoInPlace) {
  for (const Shape& s : kShapes) {
    for (int32_t variant = 0; variant < 4; ++variant) {
      SCOPED_TRACE("rows " + std::to_string(s.rows) + ", width " + std::to_string(s.head_dim) +
                   ", variant " + std::to_string(variant));
      Draw draw(91, s.rows, s.capacity);
      OneOp op = Make(s, variant, &draw), in_place = op;
      op.Out(0, draw.RowGarbage(dtype(), Row(s)));
      Compare(op);
      in_place.OutOverIn(0, 0);
      Compare(in_place);
    }
  }
}

TEST_P(RopeTest, ValuesAndPositionZeroAreCopies) {
  const Shape s{3, 4, 2, 1, 8};
  Draw draw(92, s.rows, s.capacity);
  OneOp op = Make(s, 0, &draw);
  op.input(1).values = {0, 5, 0, -7777};
  op.Out(0, draw.RowGarbage(dtype(), Row(s)));
  const Result result = Compare(op);
  if (result.status.code != 0) return;
  OneOp cast(SHOAL_OP_CAST, dtype(), s.rows);
  cast.In(0, op.input(0)).Out(0, draw.RowGarbage(dtype(), Row(s)));
  const std::vector<double> stored = cast.Run(reference()).outputs[0];
  for (size_t e = 0; e < stored.size(); ++e) {
    const bool turned = e / 32 == 1 && e % 32 < 24;
    if (!turned) {
      EXPECT_EQ(result.outputs[0][e], stored[e]) << "element " << e;
    }
  }
}

TEST_P(RopeTest, Glu) {
  for (const auto& [rows, capacity, F] :
       {std::array<int64_t, 3>{1, 1, 1}, {1, 16, 64}, {13, 13, 31}, {100, 144, 96}, {9, 16, 130}}) {
    for (const int32_t activation : {SHOAL_ACTIVATION_RELU, SHOAL_ACTIVATION_GELU_TANH,
                                     SHOAL_ACTIVATION_GELU_ERF, SHOAL_ACTIVATION_SILU}) {
      SCOPED_TRACE("rows " + std::to_string(rows) + ", F " + std::to_string(F) + ", activation " +
                   std::to_string(activation));
      Draw draw(93, rows, capacity);
      OneOp forward(SHOAL_OP_GLU, dtype(), rows);
      forward.attr().activation.activation = activation;
      forward.In(0, draw.Rows(dtype(), 2 * F, 2)).Out(0, draw.RowGarbage(dtype(), F));
      Compare(forward);
      OneOp backward(SHOAL_OP_GLU_BACKWARD, dtype(), rows);
      backward.attr().activation.activation = activation;
      backward.In(0, draw.Rows(dtype(), F)).In(1, draw.Rows(dtype(), 2 * F, 2));
      OneOp in_place = backward;
      backward.Out(0, draw.RowGarbage(dtype(), 2 * F));
      Compare(backward);
      in_place.OutOverIn(0, 1);
      Compare(in_place);
    }
  }
}

TEST_P(RopeTest, NoRows) {
  Draw draw(94, 0, 4);
  OneOp rope(SHOAL_OP_ROPE, dtype(), 0);
  rope.attr().rope = {1, 1, 4, 0, 0, 100.0f};
  rope.In(0, draw.Rows(dtype(), 12)).In(1, draw.Indices(0, 2)).Out(0, draw.RowGarbage(dtype(), 12));
  Compare(rope);
}

SHOAL_CONFORMANCE_SUITE(RopeTest);

}  // namespace
}  // namespace shoal::conformance
