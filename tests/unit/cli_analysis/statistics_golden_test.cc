// Against SciPy; the file comes from tests/golden/scripts/make_statistics_golden.py.
#include <simdjson.h>

#include "cli/analysis/statistics.h"
#include "core/base/file.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::analysis {
namespace {

using simdjson::dom::element;

class StatisticsGolden : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        json_, RealFileSystem().ReadFile(SourcePath("tests/golden/data/statistics.json")));
    document_ = parser_.parse(json_);
  }
  simdjson::dom::array Cases(const char* section) { return document_[section].get_array(); }

 private:
  std::string json_;
  simdjson::dom::parser parser_;
  element document_;
};

double Number(element item, const char* name) { return item[name].get_double(); }

std::vector<double> Numbers(element item, const char* name) {
  std::vector<double> numbers;
  for (const element number : item[name].get_array()) numbers.push_back(number.get_double());
  return numbers;
}

// SciPy's quantile is good to nine digits; statistics_test.cc knows exact ones.
void ExpectNear(double actual, double expected) {
  EXPECT_NEAR(actual, expected, 5e-9 * std::max(1e-3, std::abs(expected)));
}

TEST_F(StatisticsGolden, QuantilesOfStudentsT) {
  int cases = 0;
  for (const element item : Cases("quantiles")) {
    ExpectNear(StudentTQuantile(Number(item, "p"), Number(item, "degrees")), Number(item, "t"));
    ++cases;
  }
  EXPECT_EQ(cases, 40);
}

TEST_F(StatisticsGolden, IntervalsOfMeans) {
  int cases = 0;
  for (const element item : Cases("means")) {
    const Summary summary = Describe(Numbers(item, "values"));
    ExpectNear(summary.mean, Number(item, "mean"));
    ASSERT_TRUE(summary.sd.has_value());
    ExpectNear(*summary.sd, Number(item, "sd"));
    const auto range = MeanInterval(summary, Number(item, "confidence"));
    ASSERT_TRUE(range.has_value());
    ExpectNear(range->low, Number(item, "low"));
    ExpectNear(range->high, Number(item, "high"));
    ++cases;
  }
  EXPECT_EQ(cases, 13);
}

void ExpectDifference(const Difference& difference, element item) {
  ExpectNear(difference.mean, Number(item, "mean"));
  ASSERT_TRUE(difference.t && difference.p && difference.interval);
  ExpectNear(*difference.t, Number(item, "t"));
  ExpectNear(*difference.p, Number(item, "p"));
  ExpectNear(difference.interval->low, Number(item, "low"));
  ExpectNear(difference.interval->high, Number(item, "high"));
}

TEST_F(StatisticsGolden, PairedDifferences) {
  int cases = 0;
  for (const element item : Cases("paired")) {
    const Difference difference =
        PairedDifference(Numbers(item, "a"), Numbers(item, "b"), Number(item, "confidence"));
    EXPECT_EQ(difference.kind, Difference::Kind::kPaired);
    ExpectDifference(difference, item);
    ASSERT_TRUE(difference.wilcoxon.has_value());
    ExpectNear(*difference.wilcoxon, Number(item, "wilcoxon"));
    ++cases;
  }
  EXPECT_EQ(cases, 5);
}

TEST_F(StatisticsGolden, UnpairedDifferences) {
  int cases = 0;
  for (const element item : Cases("welch")) {
    const Difference difference =
        UnpairedDifference(Numbers(item, "a"), Numbers(item, "b"), Number(item, "confidence"));
    EXPECT_EQ(difference.kind, Difference::Kind::kUnpaired);
    ExpectDifference(difference, item);
    ExpectNear(*difference.degrees, Number(item, "degrees"));
    ++cases;
  }
  EXPECT_EQ(cases, 3);
}

}  // namespace
}  // namespace shoal::analysis
