#include "cli/analysis/curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

namespace shoal::analysis {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// What `cumulative` was at `step`; NaN past its end.
double ValueAt(const v1::SeriesPoints& cumulative, int64_t step) {
  const auto& points = cumulative.points();
  const auto next = std::lower_bound(
      points.begin(), points.end(), step,
      [](const v1::MetricPoint& point, int64_t wanted) { return point.step() < wanted; });
  if (next == points.end()) return kNan;
  if (next->step() == step) return next->value();
  const int64_t before = next == points.begin() ? 0 : std::prev(next)->step();
  const double from = next == points.begin() ? 0 : std::prev(next)->value();
  if (step < before || next->step() == before) return kNan;
  const double share =
      static_cast<double>(step - before) / static_cast<double>(next->step() - before);
  return from + share * (next->value() - from);
}

double StartOf(const v1::Run& run) {
  return static_cast<double>(run.started_at().seconds()) + run.started_at().nanos() * 1e-9;
}

double XOf(const v1::Run& run, const v1::MetricPoint& point, XAxis axis,
           const v1::SeriesPoints* cumulative) {
  switch (axis) {
    case XAxis::kStep:
      return static_cast<double>(point.step());
    case XAxis::kTime:
      return static_cast<double>(point.wall_time_us()) * 1e-6 - StartOf(run);
    default:
      break;
  }
  if (cumulative != nullptr && cumulative->points_size() > 0)
    return ValueAt(*cumulative, point.step());
  if (axis == XAxis::kFlops && run.train_flops() > 0 && run.total_steps() > 0)
    return run.train_flops() * static_cast<double>(point.step()) /
           static_cast<double>(run.total_steps());
  return kNan;
}

}  // namespace

std::optional<XAxis> ParseXAxis(std::string_view name) {
  if (name == "step") return XAxis::kStep;
  if (name == "tokens") return XAxis::kTokens;
  if (name == "flops") return XAxis::kFlops;
  if (name == "time") return XAxis::kTime;
  return std::nullopt;
}

std::string_view XAxisLabel(XAxis axis) {
  constexpr std::array<std::string_view, 4> kLabels = {"step", "tokens", "FLOPs", "seconds"};
  return kLabels[static_cast<size_t>(axis)];
}

std::string XAxisSeries(XAxis axis) {
  if (axis == XAxis::kTokens) return "train/tokens";
  if (axis == XAxis::kFlops) return "train/flops";
  return "";
}

Curve MakeCurve(const v1::Run& run, const v1::SeriesPoints& series, XAxis axis,
                const v1::SeriesPoints* cumulative) {
  Curve curve;
  curve.reserve(static_cast<size_t>(series.points_size()));
  for (const v1::MetricPoint& point : series.points()) {
    const double x = XOf(run, point, axis, cumulative);
    if (std::isfinite(x)) curve.push_back({x, point.value(), point.step()});
  }
  return curve;
}

Curve Smoothed(const Curve& curve, double weight) {
  Curve smooth = curve;
  double sum = 0, norm = 0;
  for (CurvePoint& point : smooth) {
    if (!std::isfinite(point.y)) continue;
    sum = weight * sum + (1 - weight) * point.y;
    norm = weight * norm + (1 - weight);
    point.y = sum / norm;
  }
  return smooth;
}

std::vector<BandPoint> MeanBand(std::span<const Curve> curves) {
  struct Sums {
    double x = 0, y = 0, low = kNan, high = kNan;
    int64_t there = 0, finite = 0;
  };
  std::map<int64_t, Sums> by_step;
  for (const Curve& curve : curves) {
    for (const CurvePoint& point : curve) {
      Sums& sums = by_step[point.step];
      sums.x += point.x;
      ++sums.there;
      if (!std::isfinite(point.y)) continue;
      sums.low = sums.finite == 0 ? point.y : std::min(sums.low, point.y);
      sums.high = sums.finite == 0 ? point.y : std::max(sums.high, point.y);
      sums.y += point.y;
      ++sums.finite;
    }
  }
  std::vector<BandPoint> band;
  for (const auto& [step, sums] : by_step) {
    band.push_back({sums.x / static_cast<double>(sums.there),
                    sums.finite > 0 ? sums.y / static_cast<double>(sums.finite) : kNan, sums.low,
                    sums.high, step, sums.finite});
  }
  return band;
}

Curve Thinned(const Curve& curve, double x_low, double x_high, int columns) {
  if (curve.size() <= static_cast<size_t>(columns) || !(x_high > x_low)) return curve;
  const auto column = [&](double x) {
    return std::clamp(static_cast<int>((x - x_low) / (x_high - x_low) * columns), 0, columns - 1);
  };
  Curve thin;
  for (size_t first = 0; first < curve.size();) {
    if (!std::isfinite(curve[first].y)) {
      if (thin.empty() || std::isfinite(thin.back().y)) thin.push_back(curve[first]);
      ++first;
      continue;
    }
    // A part: neighbours in the same column with nothing missing between them.
    const int at = column(curve[first].x);
    size_t end = first, low = first, high = first;
    for (; end < curve.size() && std::isfinite(curve[end].y) && column(curve[end].x) == at; ++end) {
      if (curve[end].y < curve[low].y) low = end;
      if (curve[end].y > curve[high].y) high = end;
    }
    size_t last_added = curve.size();
    for (const size_t i : {first, std::min(low, high), std::max(low, high), end - 1}) {
      if (i == last_added) continue;
      thin.push_back(curve[i]);
      last_added = i;
    }
    first = end;
  }
  return thin;
}

}  // namespace shoal::analysis
