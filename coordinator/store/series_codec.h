// How a block of curve points is stored: column by column, so that what hardly changes costs next
// to nothing.
//
//   byte 0      format, 1
//   varint      number of points n, at most kBlockPoints
//   steps       n zigzag varints: the change of the step's change (regular curves: zeros)
//   wall times  n zigzag varints, the same, in microseconds
//   byte        4 or 8: bytes of a value; 4 when every value is a float's, bit for bit
//   values      n little-endian IEEE 754 numbers; NaN and infinities as they are
//
// Every double comes back with the same bits, except that a NaN's payload may change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shoal::store {

inline constexpr int kBlockPoints = 512;

struct Point {
  int64_t step = 0;
  double value = 0;
  int64_t wall_time_us = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

// The columns that stand beside a block, so that summaries need no decoding.
struct BlockSummary {
  int64_t count = 0;
  int64_t nan_count = 0;  // NaN or infinite
  int64_t first_step = 0;
  int64_t last_step = 0;
  std::optional<double> min;  // of the finite values
  std::optional<double> max;
};

std::string EncodePoints(const std::vector<Point>& points);

// Errors: DataLoss, for bytes that EncodePoints did not make.
absl::StatusOr<std::vector<Point>> DecodePoints(std::string_view bytes);

BlockSummary Summarize(const std::vector<Point>& points);

}  // namespace shoal::store
