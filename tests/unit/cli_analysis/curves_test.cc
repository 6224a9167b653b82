#include "cli/analysis/curves.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/cli_analysis/made_runs.h"

namespace shoal::analysis {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

v1::SeriesPoints Series(const std::vector<std::pair<int64_t, double>>& points) {
  v1::SeriesPoints series;
  for (const auto& [step, value] : points) {
    v1::MetricPoint& point = *series.add_points();
    point.set_step(step);
    point.set_value(value);
    point.set_wall_time_us((1000 + step) * 1000000);
  }
  return series;
}

std::vector<double> Xs(const Curve& curve) {
  std::vector<double> xs;
  for (const CurvePoint& point : curve) xs.push_back(point.x);
  return xs;
}

TEST(MakeCurve, KnowsItsAxes) {
  const v1::Run run = MadeRun(2, 1, 1).run();  // 2e9 FLOPs in 100 steps, begun at second 1000
  const v1::SeriesPoints loss = Series({{0, 5}, {15, 4}, {20, 3}, {50, 2}});
  const v1::SeriesPoints tokens = Series({{10, 100}, {20, 300}, {40, 700}});
  EXPECT_THAT(Xs(MakeCurve(run, loss, XAxis::kStep, nullptr)), ElementsAre(0, 15, 20, 50));
  EXPECT_THAT(Xs(MakeCurve(run, loss, XAxis::kTime, nullptr)), ElementsAre(0, 15, 20, 50));
  // Between two points linear; past the last one there is no count.
  EXPECT_THAT(Xs(MakeCurve(run, loss, XAxis::kTokens, &tokens)), ElementsAre(0, 200, 300));
  EXPECT_THAT(Xs(MakeCurve(run, loss, XAxis::kTokens, nullptr)), ElementsAre());
  EXPECT_THAT(Xs(MakeCurve(run, loss, XAxis::kFlops, nullptr)), ElementsAre(0, 3e8, 4e8, 1e9));
}

TEST(MakeCurve, AxesHaveNames) {
  EXPECT_EQ(ParseXAxis("flops"), XAxis::kFlops);
  EXPECT_EQ(ParseXAxis("epochs"), std::nullopt);
  EXPECT_EQ(XAxisSeries(XAxis::kTokens), "train/tokens");
  EXPECT_EQ(XAxisSeries(XAxis::kTime), "");
}

TEST(Smoothed, HasNoBiasAtTheStartAndStepsOverNan) {
  const Curve flat = {{0, 3, 0}, {1, 3, 1}, {2, kNan, 2}, {3, 3, 3}};
  const Curve smooth = Smoothed(flat, 0.9);
  EXPECT_THAT(smooth[0].y, DoubleEq(3));
  EXPECT_THAT(smooth[1].y, DoubleEq(3));
  EXPECT_TRUE(std::isnan(smooth[2].y));
  EXPECT_THAT(smooth[3].y, DoubleEq(3));
  const Curve steps = {{0, 0, 0}, {1, 1, 1}};
  EXPECT_NEAR(Smoothed(steps, 0.5)[1].y, 2.0 / 3, 1e-15);
  EXPECT_EQ(Smoothed(steps, 0)[1].y, 1);
}

TEST(MeanBand, IsStepByStep) {
  const std::vector<Curve> curves = {{{0, 1, 0}, {10, 2, 10}, {20, kNan, 20}},
                                     {{0, 3, 0}, {12, 6, 10}, {20, kNan, 20}, {30, 5, 30}}};
  const std::vector<BandPoint> band = MeanBand(curves);
  ASSERT_EQ(band.size(), 4u);
  EXPECT_EQ(band[1].x, 11);
  EXPECT_EQ(band[1].mean, 4);
  EXPECT_EQ(band[1].low, 2);
  EXPECT_EQ(band[1].high, 6);
  EXPECT_EQ(band[1].runs, 2);
  EXPECT_TRUE(std::isnan(band[2].mean));
  EXPECT_EQ(band[2].runs, 0);
  EXPECT_EQ(band[3].runs, 1);  // only one got that far
}

TEST(Thinned, KeepsASpikeOfOneStepInAMillion) {
  Curve curve;
  for (int step = 0; step < 1000000; ++step)
    curve.push_back({static_cast<double>(step), std::sin(step * 0.001), step});
  curve[777777].y = 50;
  curve[333333].y = -50;
  const Curve thin = Thinned(curve, 0, 999999, 600);
  EXPECT_LE(thin.size(), 2400u);
  const auto has = [&](int64_t step) {
    return std::any_of(thin.begin(), thin.end(),
                       [&](const CurvePoint& point) { return point.step == step; });
  };
  EXPECT_TRUE(has(777777));
  EXPECT_TRUE(has(333333));
  EXPECT_TRUE(has(0));
  EXPECT_TRUE(has(999999));
  EXPECT_TRUE(std::is_sorted(thin.begin(), thin.end(),
                             [](const auto& a, const auto& b) { return a.x < b.x; }));
}

TEST(Thinned, KeepsOneMarkForEachGap) {
  Curve curve;
  for (int step = 0; step < 1000; ++step)
    curve.push_back({static_cast<double>(step), step >= 400 && step < 500 ? kNan : 1.0, step});
  const Curve thin = Thinned(curve, 0, 999, 10);
  EXPECT_EQ(std::count_if(thin.begin(), thin.end(),
                          [](const CurvePoint& point) { return std::isnan(point.y); }),
            1);
}

TEST(Thinned, LeavesShortCurvesAlone) {
  const Curve curve = {{0, 1, 0}, {1, kNan, 1}, {2, 3, 2}};
  EXPECT_EQ(Thinned(curve, 0, 2, 100).size(), 3u);
}

}  // namespace
}  // namespace shoal::analysis
