#include "coordinator/store/series_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/check.h"

namespace shoal::store {
namespace {

constexpr char kFormat = 1;

void PutVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

bool GetVarint(std::string_view& in, uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(in.front());
    in.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Arithmetic in uint64_t: differences of any two int64_t wrap and come back.
uint64_t Zigzag(uint64_t value) { return (value << 1) ^ (0 - (value >> 63)); }
uint64_t Unzigzag(uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

// One column of whole numbers as second differences.
class DeltaOfDelta {
 public:
  uint64_t Encode(int64_t value) {
    const uint64_t delta = static_cast<uint64_t>(value) - last_;
    const uint64_t change = delta - delta_;
    last_ = static_cast<uint64_t>(value);
    delta_ = delta;
    return Zigzag(change);
  }
  int64_t Decode(uint64_t code) {
    delta_ += Unzigzag(code);
    last_ += delta_;
    return static_cast<int64_t>(last_);
  }

 private:
  uint64_t last_ = 0;
  uint64_t delta_ = 0;
};

bool FitsFloat(double value) {
  if (std::isnan(value) || std::isinf(value)) return true;
  if (std::fabs(value) > 3.4028234663852886e38) return false;  // the cast would be undefined
  return std::bit_cast<uint64_t>(static_cast<double>(static_cast<float>(value))) ==
         std::bit_cast<uint64_t>(value);
}

template <typename Word>
void PutLittleEndian(Word word, std::string& out) {
  for (size_t i = 0; i < sizeof(Word); ++i) out.push_back(static_cast<char>(word >> (8 * i)));
}

template <typename Word>
Word GetLittleEndian(std::string_view bytes) {
  Word word = 0;
  for (size_t i = 0; i < sizeof(Word); ++i) {
    word |= static_cast<Word>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return word;
}

absl::Status Damaged() {
  return absl::DataLossError("a block of curve points in the database is damaged");
}

}  // namespace

std::string EncodePoints(const std::vector<Point>& points) {
  SHOAL_CHECK(points.size() <= kBlockPoints);
  std::string out;
  out.reserve(16 + points.size() * 8);
  out.push_back(kFormat);
  PutVarint(points.size(), out);
  DeltaOfDelta steps;
  for (const Point& point : points) PutVarint(steps.Encode(point.step), out);
  DeltaOfDelta times;
  for (const Point& point : points) PutVarint(times.Encode(point.wall_time_us), out);
  const bool narrow =
      std::all_of(points.begin(), points.end(), [](const Point& p) { return FitsFloat(p.value); });
  out.push_back(narrow ? 4 : 8);
  for (const Point& point : points) {
    if (narrow) {
      PutLittleEndian(std::bit_cast<uint32_t>(static_cast<float>(point.value)), out);
    } else {
      PutLittleEndian(std::bit_cast<uint64_t>(point.value), out);
    }
  }
  return out;
}

absl::StatusOr<std::vector<Point>> DecodePoints(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kFormat) return Damaged();
  bytes.remove_prefix(1);
  uint64_t count = 0;
  if (!GetVarint(bytes, count) || count > kBlockPoints) return Damaged();
  std::vector<Point> points(count);
  uint64_t code = 0;
  DeltaOfDelta steps;
  for (Point& point : points) {
    if (!GetVarint(bytes, code)) return Damaged();
    point.step = steps.Decode(code);
  }
  DeltaOfDelta times;
  for (Point& point : points) {
    if (!GetVarint(bytes, code)) return Damaged();
    point.wall_time_us = times.Decode(code);
  }
  if (bytes.empty()) return Damaged();
  const size_t width = static_cast<uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  if ((width != 4 && width != 8) || bytes.size() != width * count) return Damaged();
  for (size_t i = 0; i < count; ++i) {
    const std::string_view word = bytes.substr(i * width, width);
    points[i].value = width == 4 ? std::bit_cast<float>(GetLittleEndian<uint32_t>(word))
                                 : std::bit_cast<double>(GetLittleEndian<uint64_t>(word));
  }
  return points;
}

BlockSummary Summarize(const std::vector<Point>& points) {
  BlockSummary summary;
  for (const Point& point : points) {
    summary.first_step = summary.count == 0 ? point.step : std::min(summary.first_step, point.step);
    summary.last_step = summary.count == 0 ? point.step : std::max(summary.last_step, point.step);
    ++summary.count;
    if (!std::isfinite(point.value)) {
      ++summary.nan_count;
      continue;
    }
    summary.min = summary.min ? std::min(*summary.min, point.value) : point.value;
    summary.max = summary.max ? std::max(*summary.max, point.value) : point.value;
  }
  return summary;
}

}  // namespace shoal::store
