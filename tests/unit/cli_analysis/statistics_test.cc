#include "cli/analysis/statistics.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "gtest/gtest.h"

namespace shoal::analysis {
namespace {

using Values = std::vector<double>;

TEST(Statistics, OneValueHasNoSpreadAndNoInterval) {
  const Summary one = Describe(Values{1.5});
  EXPECT_EQ(one.count, 1);
  EXPECT_EQ(one.mean, 1.5);
  EXPECT_FALSE(one.sd.has_value());
  EXPECT_FALSE(MeanInterval(one, 0.95).has_value());
  EXPECT_FALSE(MeanInterval(Describe(Values{}), 0.95).has_value());
}

TEST(Statistics, EqualValuesHaveAnIntervalOfNoWidth) {
  const auto range = MeanInterval(Describe(Values{2, 2, 2}), 0.95);
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->low, 2);
  EXPECT_EQ(range->high, 2);
}

TEST(Statistics, QuantilesWithOneAndTwoDegreesAreKnownExactly) {
  for (const double p : {0.6, 0.975, 0.9995}) {
    const double one = std::tan(std::numbers::pi * (p - 0.5));
    EXPECT_NEAR(StudentTQuantile(p, 1), one, 1e-12 * one);
    const double two = (2 * p - 1) / std::sqrt(2 * p * (1 - p));
    EXPECT_NEAR(StudentTQuantile(p, 2), two, 1e-12 * two);
    EXPECT_NEAR(StudentTTwoSided(two, 2), 2 * (1 - p), 1e-12);
  }
}

TEST(Statistics, MoreConfidenceIsAWiderInterval) {
  const Summary summary = Describe(Values{1, 2, 4});
  EXPECT_GT(MeanInterval(summary, 0.99)->half(), MeanInterval(summary, 0.95)->half());
}

TEST(Statistics, OnePairIsADifferenceWithoutATest) {
  const Difference difference = PairedDifference(Values{3}, Values{1}, 0.95);
  EXPECT_EQ(difference.kind, Difference::Kind::kSingle);
  EXPECT_EQ(difference.mean, 2);
  EXPECT_FALSE(difference.interval.has_value());
  EXPECT_FALSE(difference.p.has_value());
}

TEST(Statistics, DifferencesThatDoNotVaryHaveNoP) {
  const Difference difference = PairedDifference(Values{3, 4}, Values{1, 2}, 0.95);
  EXPECT_EQ(difference.kind, Difference::Kind::kPaired);
  EXPECT_EQ(difference.interval->half(), 0);
  EXPECT_FALSE(difference.p.has_value());
  const Difference welch = UnpairedDifference(Values{3, 3}, Values{1, 1}, 0.95);
  EXPECT_EQ(welch.interval->half(), 0);
  EXPECT_FALSE(welch.p.has_value());
}

TEST(Statistics, UnpairedNeedsTwoOfBoth) {
  EXPECT_EQ(UnpairedDifference(Values{3}, Values{1, 2}, 0.95).kind, Difference::Kind::kSingle);
}

TEST(Statistics, PairingSeesWhatTheSpreadHides) {
  const Values base = {1, 5, 9, 13};
  const Values better = {0.9, 4.8, 8.9, 12.8};
  EXPECT_LT(*PairedDifference(better, base, 0.95).p, 0.02);
  EXPECT_GT(*UnpairedDifference(better, base, 0.95).p, 0.9);
}

TEST(Wilcoxon, CountsSigns) {
  EXPECT_DOUBLE_EQ(*WilcoxonSignedRank(Values{1, 2, 3, 4, 5}), 2.0 / 32);
  EXPECT_DOUBLE_EQ(*WilcoxonSignedRank(Values{-1, -2, -3, -4, -5}), 2.0 / 32);
  EXPECT_DOUBLE_EQ(*WilcoxonSignedRank(Values{1}), 1.0);
  EXPECT_FALSE(WilcoxonSignedRank(Values{0, 0}).has_value());
  EXPECT_DOUBLE_EQ(*WilcoxonSignedRank(Values{0, 1, 2, 3, 4, 5}), 2.0 / 32);  // zeros are dropped
  // Ties share the middle rank: of the 8 signs of {1.5, 1.5, 3} only one gives 0.
  EXPECT_DOUBLE_EQ(*WilcoxonSignedRank(Values{2, 2, 5}), 2.0 / 8);
}

TEST(Wilcoxon, LargeSamplesStayExactAndBounded) {
  Values values;
  for (int i = 1; i <= 200; ++i) values.push_back(i % 2 == 0 ? i : -i);
  const auto p = WilcoxonSignedRank(values);
  ASSERT_TRUE(p.has_value());
  EXPECT_GT(*p, 0.5);
  EXPECT_LE(*p, 1.0);
  values.push_back(201);
  EXPECT_FALSE(WilcoxonSignedRank(values).has_value());
}

}  // namespace
}  // namespace shoal::analysis
