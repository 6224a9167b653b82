// EMBEDDING, EMBEDDING_BACKWARD and GATHER_ROWS.
#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Shape {
  int64_t rows, capacity, V, D, P;
};
constexpr Shape kShapes[] = {
    {1, 1, 3, 4, 2}, {1, 16, 50, 64, 8}, {45, 64, 20, 33, 45}, {128, 128, 257, 96, 128}};

class EmbeddingTest : public Conformance {
 protected:
  void SetAttributes(OneOp* op, float dropout) {
    op->attr().embedding.dropout = dropout;
    op->attr().embedding.stream = 2;
  }
};

TEST_P(EmbeddingTest, Forward) {
  for (const Shape& s : kShapes) {
    for (const float dropout : {0.0f, 0.1f, 0.5f}) {
      SCOPED_TRACE("rows " + std::to_string(s.rows) + ", dropout " + std::to_string(dropout));
      Draw draw(31, s.rows, s.capacity);
      OneOp op(SHOAL_OP_EMBEDDING, dtype(), s.rows);
      SetAttributes(&op, dropout);
      op.In(0, draw.Indices(0, s.V)).In(1, draw.Fixed(real(), {s.V, s.D}));
      op.Out(0, draw.RowGarbage(real(), s.D));
      OneOp with_positions = op;
      Compare(op, kToleranceF32);
      with_positions.In(2, draw.Indices(0, s.P)).In(3, draw.Fixed(real(), {s.P, s.D}));
      Compare(with_positions, kToleranceF32);
      OneOp with_both = with_positions;
      with_both.In(4, draw.Indices(0, 2)).In(5, draw.Fixed(real(), {2, s.D}));
      Compare(with_both, kToleranceF32);
      op.In(4, draw.Indices(0, 3)).In(5, draw.Fixed(real(), {3, s.D}));
      Compare(op, kToleranceF32);
      with_positions.scalars().training = 0;
      Compare(with_positions, kToleranceF32);
    }
  }
}

TEST_P(EmbeddingTest, BackwardInEveryWriteMode) {
  for (const Shape& s : kShapes) {
    for (int32_t mode = 0; mode < 4; ++mode) {
      SCOPED_TRACE("rows " + std::to_string(s.rows) + ", write mode " + std::to_string(mode));
      const bool adds = mode % 2 == 1;
      Draw draw(32, s.rows, s.capacity);
      OneOp op(SHOAL_OP_EMBEDDING_BACKWARD, dtype(), s.rows);
      SetAttributes(&op, mode < 2 ? 0.0f : 0.25f);
      op.attr().embedding.write = std::min<int32_t>(mode, SHOAL_WRITE_BY_SCALAR);
      op.attr().embedding.write_positions = op.attr().embedding.write;
      op.scalars().accumulate = mode == 3;
      op.In(0, draw.Rows(real(), s.D)).In(1, draw.Indices(0, s.V));
      op.Out(0, adds ? draw.Fixed(real(), {s.V, s.D}) : Garbage(real(), {s.V, s.D}));
      OneOp with_positions = op;
      Compare(op, kToleranceF32);
      with_positions.In(2, draw.Indices(0, s.P));
      with_positions.Out(1, adds ? draw.Fixed(real(), {s.P, s.D}) : Garbage(real(), {s.P, s.D}));
      Compare(with_positions, kToleranceF32);
      op.attr().embedding.write_segments = op.attr().embedding.write;
      op.In(3, draw.Indices(0, 3));
      op.Out(2, adds ? draw.Fixed(real(), {3, s.D}) : Garbage(real(), {3, s.D}));
      Compare(op, kToleranceF32);
    }
  }
}

// The tables may be written in different modes: a tied head has already written the first.
TEST_P(EmbeddingTest, BackwardAddsToOneTableAndOverwritesTheOthers) {
  Draw draw(33, 30, 32);
  OneOp op(SHOAL_OP_EMBEDDING_BACKWARD, dtype(), 30);
  op.attr().embedding.write = SHOAL_WRITE_ADD;
  op.In(0, draw.Rows(real(), 24)).In(1, draw.Indices(0, 9)).In(2, draw.Indices(0, 30));
  op.Out(0, draw.Fixed(real(), {9, 24})).Out(1, Garbage(real(), {40, 24}));
  op.In(3, draw.Indices(0, 2)).Out(2, Garbage(real(), {2, 24}));
  Compare(op, kToleranceF32);
}

TEST_P(EmbeddingTest, GatherRows) {
  for (const int32_t type : {dtype(), real()}) {
    Draw draw(34, 29, 40);
    OneOp op(SHOAL_OP_GATHER_ROWS, dtype(), 29);
    op.scalars().selected = 3;
    op.In(0, draw.Rows(type, 35))
        .In(1, FromValues(kI32, {5}, {28, 0, 28, -7777, -7777}, kSelected));
    op.Out(0, Garbage(type, {5, 35}, kSelected));
    Compare(op, 1e-12);
  }
}

SHOAL_CONFORMANCE_SUITE(EmbeddingTest);

}  // namespace
}  // namespace shoal::conformance
