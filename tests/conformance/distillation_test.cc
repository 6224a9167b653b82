// SOFTMAX and DISTILLATION_LOSS.
#include <algorithm>
#include <cmath>

#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

struct Shape {
  int64_t rows, capacity, V, real_vocab;
};
constexpr Shape kShapes[] = {{1, 1, 2, 2},     {1, 16, 64, 0},     {9, 9, 37, 31},
                             {70, 128, 96, 0}, {33, 40, 517, 500}, {0, 4, 8, 0}};

std::string Describe(const Shape& s, int variant) {
  return "rows " + std::to_string(s.rows) + ", V " + std::to_string(s.V) + ", real " +
         std::to_string(s.real_vocab) + ", variant " + std::to_string(variant);
}

class DistillationTest : public Conformance {
 protected:
  // Teachers' probabilities: softmax over the real columns; a few are exactly 0.
  Tensor Teacher(Draw* draw, const Shape& s) {
    const int64_t real_vocab = s.real_vocab > 0 ? s.real_vocab : s.V;
    Tensor p = draw->Rows(real(), s.V, 2);
    for (int64_t n = 0; n < s.rows; ++n) {
      double sum = 0;
      for (int64_t v = 0; v < s.V; ++v) {
        double& value = p.values[static_cast<size_t>(n * s.V + v)];
        value = v < real_vocab && (v % 7 != 3) ? std::exp(value) : 0;
        sum += value;
      }
      for (int64_t v = 0; v < s.V; ++v) p.values[static_cast<size_t>(n * s.V + v)] /= sum;
    }
    return p;
  }
  Tensor Targets(Draw* draw, const Shape& s) {
    const int64_t real_vocab = s.real_vocab > 0 ? s.real_vocab : s.V;
    Tensor targets = draw->Indices(-real_vocab / 3, real_vocab);
    for (int64_t n = 0; n < s.rows; ++n) {
      targets.values[static_cast<size_t>(n)] =
          std::max(-1.0, targets.values[static_cast<size_t>(n)]);
    }
    if (s.rows == 1) targets.values[0] = static_cast<double>(real_vocab - 1);
    return targets;
  }
};

TEST_P(DistillationTest, Softmax) {
  for (const Shape& s : kShapes) {
    for (const int32_t type : {dtype(), real()}) {
      for (const int32_t write : {SHOAL_WRITE_OVERWRITE, SHOAL_WRITE_ADD}) {
        SCOPED_TRACE(Describe(s, write));
        Draw draw(101, s.rows, s.capacity);
        OneOp op(SHOAL_OP_SOFTMAX, dtype(), s.rows);
        op.attr().softmax = {0.5f, 0.25f, write, s.real_vocab};
        op.In(0, draw.Rows(type, s.V, 4));
        OneOp in_place = op;
        op.Out(0, write == SHOAL_WRITE_ADD ? draw.Rows(real(), s.V) : draw.RowGarbage(real(), s.V));
        Compare(op, kToleranceF32);
        if (type != real() || write == SHOAL_WRITE_ADD) continue;
        in_place.OutOverIn(0, 0);
        Compare(in_place, kToleranceF32);
      }
    }
  }
}

TEST_P(DistillationTest, Loss) {
  for (const Shape& s : kShapes) {
    for (int variant = 0; variant < 4; ++variant) {
      for (const int32_t type : {dtype(), real()}) {
        SCOPED_TRACE(Describe(s, variant));
        Draw draw(102, s.rows, s.capacity);
        OneOp op(SHOAL_OP_DISTILLATION_LOSS, dtype(), s.rows);
        constexpr float kWeights[] = {0.0f, 1.0f, 0.5f, 0.7f};
        op.attr().distillation = {variant == 3 ? 1.0f : 2.0f, kWeights[variant],
                                  variant >= 2 ? 0.1f : 0.0f, s.real_vocab};
        op.In(0, draw.Rows(type, s.V, 3)).In(1, Targets(&draw, s)).In(2, Teacher(&draw, s));
        op.Out(0, draw.RowGarbage(real(), 0));
        OneOp separate = op, aliased = op;
        // A divergence of nearly equal distributions is a small difference of large numbers.
        Compare(op, kToleranceF32 * 2);
        separate.Out(1, draw.RowGarbage(type, s.V));
        Compare(separate);
        aliased.OutOverIn(1, 0);
        Compare(aliased);
        aliased.scalars().training = 0;
        Compare(aliased);
      }
    }
  }
}

SHOAL_CONFORMANCE_SUITE(DistillationTest);

}  // namespace
}  // namespace shoal::conformance
