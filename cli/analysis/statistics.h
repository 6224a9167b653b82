// What a few runs say about a setting: mean and spread over seeds, Student's t interval,
// differences with their tests. Pure.
//
// Values are finite; what is not a number is sorted out, and named, before it comes here. Where a
// figure does not exist (an interval of one value) it is absent, never 0.
//
// Source: W. S. Gosset, "The probable error of a mean" (1908); B. L. Welch (1947) for unequal
// variances; F. Wilcoxon (1945). Checked against SciPy in tests/golden.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace shoal::analysis {

struct Summary {
  int64_t count = 0;
  double mean = 0;           // 0 for none
  std::optional<double> sd;  // of the sample (n - 1); from two values on
  double min = 0;
  double max = 0;
};
Summary Describe(std::span<const double> values);

struct Interval {
  double low = 0;
  double high = 0;
  double half() const { return (high - low) / 2; }
};

// The p-quantile of Student's t with `degrees` > 0 degrees of freedom, 0 < p < 1.
double StudentTQuantile(double p, double degrees);
// P(|T| >= |t|).
double StudentTTwoSided(double t, double degrees);

// The interval that holds the true mean with this confidence (0.95), if the values are normal.
// Absent for fewer than two values.
std::optional<Interval> MeanInterval(const Summary& summary, double confidence);

// How a setting differs from a baseline.
struct Difference {
  enum class Kind {
    kPaired,    // over values that belong together (the same seed)
    kUnpaired,  // Welch: nothing belongs together
    kSingle,    // too few values for an interval
  };
  Kind kind = Kind::kSingle;
  int64_t pairs = 0;  // of a paired one
  double mean = 0;
  std::optional<Interval> interval;
  std::optional<double> t;
  std::optional<double> degrees;
  std::optional<double> p;         // two-sided; absent where the differences do not vary
  std::optional<double> wilcoxon;  // two-sided p of the signed-rank test; paired only
};

// values[i] - baseline[i], the i-th of both from the same seed. As many of one as of the other.
Difference PairedDifference(std::span<const double> values, std::span<const double> baseline,
                            double confidence);
// mean(values) - mean(baseline) by Welch's test. Neither is empty.
Difference UnpairedDifference(std::span<const double> values, std::span<const double> baseline,
                              double confidence);

// Two-sided p of Wilcoxon's signed-rank test, exact: over all 2^n signs of the ranks that are there
// (ties have their middle rank, zeros are dropped). Absent for no value but zeros, or more than
// 200.
std::optional<double> WilcoxonSignedRank(std::span<const double> differences);

}  // namespace shoal::analysis
