// SCATTER_ROWS, MEAN_POOL and MEAN_POOL_BACKWARD.
#include <numeric>

#include "tests/conformance/conformance.h"

namespace shoal::conformance {
namespace {

class PoolTest : public Conformance {
 protected:
  // A tensor [capacity, width] whose first `used` rows are drawn.
  static Tensor Selected(uint64_t seed, int32_t type, int64_t used, int64_t capacity,
                         int64_t width) {
    Tensor tensor = Draw(seed, used, capacity).Rows(type, width);
    tensor.extent = kSelected;
    return tensor;
  }
};

TEST_P(PoolTest, ScatterRows) {
  for (const int64_t width : {1, 35, 64}) {
    for (const std::vector<double>& rows :
         {std::vector<double>{28, 0, 7}, std::vector<double>{}, std::vector<double>{3}}) {
      for (const int32_t from : {dtype(), real()}) {
        for (const int32_t to : {dtype(), real()}) {
          const auto used = static_cast<int64_t>(rows.size());
          SCOPED_TRACE("width " + std::to_string(width) + ", rows " + std::to_string(used));
          Draw draw(95, 29, 40);
          OneOp op(SHOAL_OP_SCATTER_ROWS, dtype(), 29);
          op.scalars().selected = used;
          std::vector<double> padded = rows;
          padded.resize(5, -7777);
          op.In(0, Selected(96, from, used, 5, width))
              .In(1, FromValues(kI32, {5}, padded, kSelected));
          op.Out(0, draw.RowGarbage(to, width));
          Compare(op);
        }
      }
    }
  }
}

TEST_P(PoolTest, MeanPoolAndItsBackward) {
  for (const std::vector<int64_t>& lengths :
       {std::vector<int64_t>{1}, {5, 1, 20}, {4, 0, 3}, {100, 33, 7, 1, 1}, {}}) {
    for (const int64_t width : {1, 33, 64}) {
      for (const int32_t from : {dtype(), real()}) {
        for (const int32_t to : {dtype(), real()}) {
          const int64_t rows = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
          const auto sequences = static_cast<int64_t>(lengths.size());
          SCOPED_TRACE("rows " + std::to_string(rows) + ", width " + std::to_string(width));
          std::vector<double> offsets{0};
          for (const int64_t length : lengths)
            offsets.push_back(offsets.back() + static_cast<double>(length));
          offsets.insert(offsets.end(), 2, -7777);
          const Tensor cuts = FromValues(kI32, {sequences + 3}, offsets, kOffsets);
          Draw draw(97, rows, rows + 3);
          OneOp forward(SHOAL_OP_MEAN_POOL, dtype(), rows);
          forward.In(0, draw.Rows(from, width)).In(1, cuts);
          forward.Out(0, Garbage(to, {sequences + 2, width}, kSelected));
          OneOp backward(SHOAL_OP_MEAN_POOL_BACKWARD, dtype(), rows);
          backward.In(0, Selected(98, from, sequences, sequences + 2, width)).In(1, cuts);
          backward.Out(0, draw.RowGarbage(to, width));
          for (OneOp* op : {&forward, &backward}) {
            op->scalars().sequences = op->scalars().selected = sequences;
            Compare(*op);
          }
        }
      }
    }
  }
}

TEST_P(PoolTest, RefusesASelectionThatIsNotTheSequences) {
  OneOp op(SHOAL_OP_MEAN_POOL, dtype(), 4);
  op.scalars().sequences = 2;
  op.scalars().selected = 1;
  op.In(0, Constant(dtype(), {4, 2}, 1, kRows)).In(1, FromValues(kI32, {3}, {0, 2, 4}, kOffsets));
  op.Out(0, Garbage(dtype(), {2, 2}, kSelected));
  const shoal_status status = op.Run(device()).status;
  if (status.code == 12) GTEST_SKIP() << status.message;  // no bf16 on this machine
  EXPECT_EQ(status.code, 3);
}

SHOAL_CONFORMANCE_SUITE(PoolTest);

}  // namespace
}  // namespace shoal::conformance
