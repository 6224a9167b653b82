// NORM and NORM_BACKWARD: both kinds, with every combination of optional operands.
#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Shape {
  int64_t rows, capacity, D;
};
constexpr Shape kShapes[] = {{1, 1, 8},    {1, 16, 64},     {7, 7, 5},
                             {33, 64, 96}, {100, 128, 384}, {15, 15, 129}};

std::string Describe(const Shape& s, int32_t kind, float dropout) {
  return "rows " + std::to_string(s.rows) + " of " + std::to_string(s.capacity) + ", D " +
         std::to_string(s.D) + ", kind " + std::to_string(kind) + ", dropout " +
         std::to_string(dropout);
}

class NormTest : public Conformance {
 protected:
  void SetAttributes(OneOp* op, int32_t kind, float dropout) {
    op->attr().norm.kind = kind;
    op->attr().norm.eps = 1e-5f;
    op->attr().norm.dropout = dropout;
    op->attr().norm.stream = 17;
  }
};

TEST_P(NormTest, ForwardWithoutBranch) {
  for (const Shape& s : kShapes) {
    for (const int32_t kind : {0, 1}) {
      SCOPED_TRACE(Describe(s, kind, 0));
      Draw draw(21, s.rows, s.capacity);
      OneOp op(SHOAL_OP_NORM, dtype(), s.rows);
      SetAttributes(&op, kind, 0);
      op.In(0, draw.Rows(real(), s.D, 3)).In(1, draw.Fixed(real(), {s.D}));
      op.Out(0, draw.RowGarbage(dtype(), s.D));
      OneOp full = op;
      Compare(op);
      full.In(2, draw.Fixed(real(), {s.D})).Out(3, draw.RowGarbage(real(), 0));
      if (kind == 0) full.Out(2, draw.RowGarbage(real(), 0));
      Compare(full);
    }
  }
}

TEST_P(NormTest, ForwardWithBranchAndDropout) {
  for (const Shape& s : kShapes) {
    for (const int32_t kind : {0, 1}) {
      for (const float dropout : {0.0f, 0.1f}) {
        SCOPED_TRACE(Describe(s, kind, dropout));
        Draw draw(22, s.rows, s.capacity);
        OneOp op(SHOAL_OP_NORM, dtype(), s.rows);
        SetAttributes(&op, kind, dropout);
        op.In(0, draw.Rows(real(), s.D))
            .In(1, draw.Fixed(real(), {s.D}))
            .In(2, draw.Fixed(real(), {s.D}));
        op.In(3, draw.Rows(dtype(), s.D));
        op.Out(0, draw.RowGarbage(dtype(), s.D)).Out(1, draw.RowGarbage(real(), s.D));
        op.Out(3, draw.RowGarbage(real(), 0));
        if (kind == 0) op.Out(2, draw.RowGarbage(real(), 0));
        Compare(op);
        op.scalars().training = 0;
        Compare(op);
      }
    }
  }
}

TEST_P(NormTest, ForwardToF32) {
  for (const int32_t kind : {0, 1}) {
    Draw draw(23, 21, 32);
    OneOp op(SHOAL_OP_NORM, dtype(), 21);
    SetAttributes(&op, kind, 0.1f);
    op.In(0, draw.Rows(real(), 64))
        .In(1, draw.Fixed(real(), {64}))
        .Out(0, draw.RowGarbage(real(), 64));
    OneOp with_branch = op;
    Compare(op, kToleranceF32);
    with_branch.In(3, draw.Rows(dtype(), 64)).Out(1, draw.RowGarbage(real(), 64));
    Compare(with_branch, kToleranceF32);
  }
}

// Statistics that belong to the rows, as the forward pass would have left them.
void AddStatistics(OneOp* op, int32_t kind, int64_t D, int64_t capacity) {
  Tensor mean = Garbage(kF32, {capacity}, kRows), rstd = mean;
  const std::vector<double>& x = op->input(1).values;
  for (int64_t n = 0; n < op->scalars().rows; ++n) {
    double center = 0, squares = 0;
    for (int64_t d = 0; d < D; ++d) center += x[n * D + d] / static_cast<double>(D);
    if (kind == 1) center = 0;
    for (int64_t d = 0; d < D; ++d) {
      squares += (x[n * D + d] - center) * (x[n * D + d] - center) / static_cast<double>(D);
    }
    mean.values[n] = center;
    rstd.values[n] = 1 / std::sqrt(squares + 1e-5);
  }
  if (kind == 0) op->In(3, mean);
  op->In(4, rstd);
}

TEST_P(NormTest, Backward) {
  for (const Shape& s : kShapes) {
    for (const int32_t kind : {0, 1}) {
      SCOPED_TRACE(Describe(s, kind, 0));
      Draw draw(24, s.rows, s.capacity);
      OneOp op(SHOAL_OP_NORM_BACKWARD, dtype(), s.rows);
      SetAttributes(&op, kind, 0);
      op.In(0, draw.Rows(dtype(), s.D))
          .In(1, draw.Rows(real(), s.D))
          .In(2, draw.Fixed(real(), {s.D}));
      AddStatistics(&op, kind, s.D, s.capacity);
      op.Out(0, draw.RowGarbage(real(), s.D)).Out(1, Garbage(real(), {s.D}));
      Compare(op);
    }
  }
}

TEST_P(NormTest, BackwardWithSkipBranchAndWriteModes) {
  for (const Shape& s : kShapes) {
    for (int32_t variant = 0; variant < 8; ++variant) {
      const int32_t kind = variant / 4, mode = variant % 4;
      const bool adds = mode % 2 == 1;
      const float dropout = mode < 2 ? 0.0f : 0.2f;
      SCOPED_TRACE(Describe(s, kind, dropout));
      Draw draw(25, s.rows, s.capacity);
      OneOp op(SHOAL_OP_NORM_BACKWARD, dtype(), s.rows);
      SetAttributes(&op, kind, dropout);
      op.attr().norm.write = std::min<int32_t>(mode, SHOAL_WRITE_BY_SCALAR);
      op.scalars().accumulate = mode == 3;
      op.In(0, draw.Rows(variant % 2 == 0 ? dtype() : real(), s.D)).In(1, draw.Rows(real(), s.D));
      op.In(2, draw.Fixed(real(), {s.D})).In(5, draw.Rows(real(), s.D));
      AddStatistics(&op, kind, s.D, s.capacity);
      if (mode == 0) {
        op.Out(0, draw.RowGarbage(real(), s.D));
      } else {
        op.OutOverIn(0, 5);  // dsum over dskip
      }
      for (const int place : {1, 2}) {
        op.Out(place, adds ? draw.Fixed(real(), {s.D}) : Garbage(real(), {s.D}));
      }
      op.Out(3, draw.RowGarbage(dtype(), s.D));
      Compare(op);
    }
  }
}

SHOAL_CONFORMANCE_SUITE(NormTest);

}  // namespace
}  // namespace shoal::conformance
