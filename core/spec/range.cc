#include "core/spec/range.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/override.h"

namespace shoal::spec {
namespace {

constexpr int kDigits = 4;
// Sums of decimal steps (0.1 + 0.2) as the decimal numbers that are meant.
constexpr int kStepDigits = 12;

// To so many significant digits, the nearest decimal number.
double ToDigits(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*e", digits - 1, value);
  return std::strtod(text, nullptr);
}

// To a multiple of 10^exponent.
double ToPlace(double value, int exponent) {
  if (value == 0) return 0;
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  return ToDigits(value, std::clamp(magnitude - exponent + 1, 1, 17));
}

}  // namespace

std::optional<std::string> Range::Problem(const std::string& path, const v1::AxisSpec& axis) {
  if (!IsNumber(path)) return "is no number; list its `values`";
  if (!axis.has_min() || !axis.has_max()) return "a range needs both `min` and `max`";
  const bool integer = IsInteger(path);
  for (const double end : {axis.min(), axis.max()}) {
    std::string text = NumberText(end);
    if (integer && end != std::floor(end)) return StrCat("expected integers, is ", text);
    if (integer && std::abs(end) < 9e15) text = StrCat(static_cast<int64_t>(end));
    if (auto problem = CheckOverride(path, text)) return problem;
  }
  const std::string shown = StrCat(NumberText(axis.min()), "..", NumberText(axis.max()));
  if (axis.min() > axis.max()) return StrCat("min must be <= max, is ", shown);
  if (axis.scale() == "log" && axis.min() <= 0) {
    return StrCat("scale log needs min > 0, is ", NumberText(axis.min()));
  }
  if (axis.step() < 0) return "step must be > 0";
  if (axis.step() > axis.max() - axis.min()) {
    return StrCat("step ", NumberText(axis.step()), " is wider than the range ", shown);
  }
  if (integer && axis.step() != std::floor(axis.step())) {
    return StrCat("step must be an integer, is ", NumberText(axis.step()));
  }
  if (axis.count() == 1 && axis.min() < axis.max()) {
    return StrCat("count 1 is too few for both ends of ", shown);
  }
  return std::nullopt;
}

Range::Range(const std::string& path, const v1::AxisSpec& axis)
    : min_(axis.min()),
      max_(axis.max()),
      log_(axis.scale() == "log"),
      integer_(IsInteger(path)),
      step_(axis.step() > 0 ? axis.step()
            : integer_      ? 1
                            : 0),
      count_(axis.count()) {}

int64_t Range::Steps() const {
  if (integer_) return static_cast<int64_t>(max_ - min_) / static_cast<int64_t>(step_);
  // A little more than the quotient: 0.3 / 0.1 is 2.9999999999999996.
  return static_cast<int64_t>(std::floor((max_ - min_) / step_ * (1 + 1e-12) + 1e-12));
}

double Range::Snap(double value) const {
  value = std::clamp(value, min_, max_);
  if (step_ > 0) {
    const double k = std::min(std::round((value - min_) / step_), static_cast<double>(Steps()));
    const double stepped = min_ + k * step_;
    return integer_ ? stepped : std::min(max_, ToDigits(stepped, kStepDigits));
  }
  if (min_ == max_) return min_;
  const double rounded =
      log_ ? ToDigits(value, kDigits)
           : ToPlace(value, static_cast<int>(std::floor(std::log10(max_ - min_))) - kDigits + 1);
  return std::clamp(rounded, min_, max_);
}

std::string Range::Text(double value) const {
  return integer_ ? StrCat(static_cast<int64_t>(value)) : NumberText(value);
}

std::vector<std::string> Range::Grid(int64_t most) const {
  std::vector<std::string> points;
  if (min_ == max_) return {Text(min_)};
  if (count_ == 0) {
    if (step_ == 0 || log_ || (max_ - min_) / step_ >= static_cast<double>(most)) return points;
    for (int64_t k = 0; k <= Steps(); ++k) {
      points.push_back(Text(Snap(min_ + static_cast<double>(k) * step_)));
    }
    return points;
  }
  for (int32_t i = 0; i < count_; ++i) {
    const double part = static_cast<double>(i) / (count_ - 1);
    const double value = log_ ? min_ * std::pow(max_ / min_, part) : min_ + (max_ - min_) * part;
    points.push_back(Text(Snap(i == 0 ? min_ : i == count_ - 1 ? max_ : value)));
  }
  return points;
}

int64_t Range::Size(int64_t most) const {
  return step_ > 0 && (max_ - min_) / step_ < static_cast<double>(most) ? Steps() + 1 : most;
}

std::string Range::Draw(Random& random) const {
  if (!log_ && step_ > 0) {
    const auto k = random.Below(static_cast<uint64_t>(Steps()) + 1);
    return Text(Snap(min_ + static_cast<double>(k) * step_));
  }
  const double part = random.UniformDouble();
  const double value = log_ ? min_ * std::pow(max_ / min_, part) : min_ + (max_ - min_) * part;
  return Text(Snap(value));
}

}  // namespace shoal::spec
