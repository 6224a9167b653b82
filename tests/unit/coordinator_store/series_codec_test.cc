#include "coordinator/store/series_codec.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::store {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

void ExpectRoundTrip(const std::vector<Point>& points) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Point> back, DecodePoints(EncodePoints(points)));
  ASSERT_EQ(back.size(), points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(back[i].step, points[i].step);
    EXPECT_EQ(back[i].wall_time_us, points[i].wall_time_us);
    if (std::isnan(points[i].value)) {
      EXPECT_TRUE(std::isnan(back[i].value));
    } else {
      EXPECT_EQ(std::bit_cast<uint64_t>(back[i].value), std::bit_cast<uint64_t>(points[i].value))
          << points[i].value;
    }
  }
}

TEST(SeriesCodecTest, EveryBitComesBack) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ExpectRoundTrip({});
  ExpectRoundTrip({{0, 0.0, 0}});
  ExpectRoundTrip({{1, -0.0, 5}, {2, inf, 6}, {3, -inf, 7}, {4, nan, 8}});
  ExpectRoundTrip({{kMax, 1e308, kMin}, {kMin, -1e308, kMax}, {0, 1e-320, 0}, {kMax, 0.1, kMax}});
  ExpectRoundTrip({{1, 3.4028234663852886e38, 1}, {2, 3.5e38, 2}, {3, 1e-45, 3}});
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Point> points(random() % (kBlockPoints + 1));
    for (Point& point : points) {
      point = {static_cast<int64_t>(random()), std::bit_cast<double>(random()),
               static_cast<int64_t>(random())};
    }
    ExpectRoundTrip(points);
  }
}

TEST(SeriesCodecTest, ARegularCurveOfFloatsCostsAboutSixBytesAPoint) {
  std::vector<Point> points;
  for (int i = 0; i < kBlockPoints; ++i) {
    points.push_back({10 * i, static_cast<double>(1.0f / static_cast<float>(i + 1)),
                      1700000000000000 + i * 12345});
  }
  EXPECT_LT(EncodePoints(points).size(), kBlockPoints * 7u);
  points[3].value = 0.1;  // not a float
  EXPECT_GT(EncodePoints(points).size(), kBlockPoints * 8u);
}

TEST(SeriesCodecTest, DamageIsFoundNeverACrash) {
  std::string good = EncodePoints({{1, 2.5, 3}, {4, 5.5, 6}});
  for (size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_THAT(DecodePoints(good.substr(0, cut)), StatusIs(absl::StatusCode::kDataLoss)) << cut;
  }
  EXPECT_THAT(DecodePoints(good + "x"), StatusIs(absl::StatusCode::kDataLoss));
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    DecodePoints(bad).status().IgnoreError();
  }
}

TEST(SeriesCodecTest, SummariesCountWhatIsNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  BlockSummary summary = Summarize({{5, 2, 0}, {6, nan, 0}, {4, -1, 0}, {7, inf, 0}});
  EXPECT_EQ(summary.count, 4);
  EXPECT_EQ(summary.nan_count, 2);
  EXPECT_EQ(summary.first_step, 4);
  EXPECT_EQ(summary.last_step, 7);
  EXPECT_EQ(summary.min, -1);
  EXPECT_EQ(summary.max, 2);
  summary = Summarize({{1, nan, 0}});
  EXPECT_FALSE(summary.min.has_value());
}

}  // namespace
}  // namespace shoal::store
