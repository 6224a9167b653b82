#include "cli/analysis/statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/base/check.h"

namespace shoal::analysis {
namespace {

// No exceptions: what has no answer is NaN or infinite.
using Quiet = boost::math::policies::policy<
    boost::math::policies::domain_error<boost::math::policies::ignore_error>,
    boost::math::policies::pole_error<boost::math::policies::ignore_error>,
    boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
    boost::math::policies::evaluation_error<boost::math::policies::ignore_error>>;
using StudentT = boost::math::students_t_distribution<double, Quiet>;

// Interval and p of a difference whose standard error has `degrees` of freedom.
void Judge(double standard_error, double degrees, double confidence, Difference& difference) {
  const double half = StudentTQuantile(0.5 + confidence / 2, degrees) * standard_error;
  difference.interval = {difference.mean - half, difference.mean + half};
  difference.degrees = degrees;
  if (standard_error == 0) return;
  difference.t = difference.mean / standard_error;
  difference.p = StudentTTwoSided(*difference.t, degrees);
}

// Twice the middle rank of every value's size among the others: whole numbers also for ties.
std::vector<size_t> DoubledRanks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto size = [&](size_t i) { return std::abs(values[i]); };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return size(a) < size(b); });
  std::vector<size_t> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t end = first + 1;
    while (end < order.size() && size(order[end]) == size(order[first])) ++end;
    for (size_t i = first; i < end; ++i) ranks[order[i]] = first + 1 + end;
    first = end;
  }
  return ranks;
}

}  // namespace

Summary Describe(std::span<const double> values) {
  Summary summary;
  summary.count = static_cast<int64_t>(values.size());
  if (values.empty()) return summary;
  const double n = static_cast<double>(values.size());
  summary.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0, rest = 0;  // the rest takes the mean's rounding back
  for (const double value : values) {
    squares += (value - summary.mean) * (value - summary.mean);
    rest += value - summary.mean;
  }
  if (values.size() > 1) summary.sd = std::sqrt((squares - rest * rest / n) / (n - 1));
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  summary.min = *min;
  summary.max = *max;
  return summary;
}

double StudentTQuantile(double p, double degrees) {
  return boost::math::quantile(StudentT(degrees), p);
}

double StudentTTwoSided(double t, double degrees) {
  return 2 * boost::math::cdf(boost::math::complement(StudentT(degrees), std::abs(t)));
}

std::optional<Interval> MeanInterval(const Summary& summary, double confidence) {
  if (!summary.sd) return std::nullopt;
  const double n = static_cast<double>(summary.count);
  const double half = StudentTQuantile(0.5 + confidence / 2, n - 1) * *summary.sd / std::sqrt(n);
  return Interval{summary.mean - half, summary.mean + half};
}

Difference PairedDifference(std::span<const double> values, std::span<const double> baseline,
                            double confidence) {
  SHOAL_CHECK(values.size() == baseline.size(), "each value needs its partner");
  std::vector<double> differences;
  for (size_t i = 0; i < values.size(); ++i) differences.push_back(values[i] - baseline[i]);
  const Summary summary = Describe(differences);
  Difference difference;
  difference.pairs = summary.count;
  difference.mean = summary.mean;
  if (!summary.sd) return difference;
  difference.kind = Difference::Kind::kPaired;
  const double n = static_cast<double>(summary.count);
  Judge(*summary.sd / std::sqrt(n), n - 1, confidence, difference);
  difference.wilcoxon = WilcoxonSignedRank(differences);
  return difference;
}

Difference UnpairedDifference(std::span<const double> values, std::span<const double> baseline,
                              double confidence) {
  const Summary a = Describe(values), b = Describe(baseline);
  Difference difference;
  difference.mean = a.mean - b.mean;
  if (!a.sd || !b.sd) return difference;
  difference.kind = Difference::Kind::kUnpaired;
  const double na = static_cast<double>(a.count), nb = static_cast<double>(b.count);
  const double va = *a.sd * *a.sd / na, vb = *b.sd * *b.sd / nb;  // of the means
  const double sum = va + vb;
  // Welch and Satterthwaite; without any variance the classic count.
  const double degrees =
      sum > 0 ? sum * sum / (va * va / (na - 1) + vb * vb / (nb - 1)) : na + nb - 2;
  Judge(std::sqrt(sum), degrees, confidence, difference);
  return difference;
}

std::optional<double> WilcoxonSignedRank(std::span<const double> differences) {
  std::vector<double> values;
  std::copy_if(differences.begin(), differences.end(), std::back_inserter(values),
               [](double value) { return value != 0; });
  if (values.empty() || values.size() > 200) return std::nullopt;
  const std::vector<size_t> ranks = DoubledRanks(values);
  size_t positive = 0, all = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    all += ranks[i];
    if (values[i] > 0) positive += ranks[i];
  }
  // chance[s]: that the positive ranks sum to s when every sign is a coin.
  std::vector<double> chance(all + 1, 0.0);
  chance[0] = 1;
  size_t reach = 0;
  for (const size_t rank : ranks) {
    reach += rank;
    for (size_t s = reach + 1; s-- > 0;) {
      chance[s] = (chance[s] + (s >= rank ? chance[s - rank] : 0)) / 2;
    }
  }
  const size_t smaller = std::min(positive, all - positive);
  const double tail =
      std::accumulate(chance.begin(), chance.begin() + static_cast<ptrdiff_t>(smaller) + 1, 0.0);
  return std::min(1.0, 2 * tail);
}

}  // namespace shoal::analysis
