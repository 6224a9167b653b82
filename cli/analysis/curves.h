// Curves for drawing: against steps, tokens, FLOPs or time; smoothed; as mean and range over seeds;
// thinned so that no extreme is lost. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shoal/v1/metric.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::analysis {

enum class XAxis { kStep, kTokens, kFlops, kTime };

std::optional<XAxis> ParseXAxis(std::string_view name);  // "step", "tokens", "flops", "time"
std::string_view XAxisLabel(XAxis axis);                 // "step", "tokens", "FLOPs", "seconds"
// The cumulative series that the axis is read from: "train/tokens"; empty: none is needed.
std::string XAxisSeries(XAxis axis);

struct CurvePoint {
  double x = 0;
  double y = 0;  // may be NaN or infinite
  int64_t step = 0;
};
using Curve = std::vector<CurvePoint>;

// `series` against the axis, in its order. Tokens and FLOPs are read off the run's `cumulative`
// series, linear between its points (0 at step 0); where a run has recorded no FLOPs, every step
// counts the same share of the client's count. Time is in seconds since the run began. Points for
// which the axis has no value are left out.
Curve MakeCurve(const v1::Run& run, const v1::SeriesPoints& series, XAxis axis,
                const v1::SeriesPoints* cumulative);

// Exponential moving average without bias at the start: weight 0 changes nothing, 0.9 averages over
// about ten points. What is not finite stays as it is and takes no part.
Curve Smoothed(const Curve& curve, double weight);

struct BandPoint {
  double x = 0;  // mean over the runs
  double mean = 0;
  double low = 0;
  double high = 0;
  int64_t step = 0;
  int64_t runs = 0;  // that have a finite value there; 0: mean, low and high are NaN
};
// Mean, smallest and largest of several runs' values, step by step.
std::vector<BandPoint> MeanBand(std::span<const Curve> curves);

// At most a few points for each of `columns` equal parts of [x_low, x_high]: the first, the
// smallest, the largest and the last of each part, in their order (M4: Jugel, Jerzak, Hackenbroich
// and Markl, VLDB 2014). What is not finite stays, one for each gap. A spike of one step survives.
Curve Thinned(const Curve& curve, double x_low, double x_high, int columns);

}  // namespace shoal::analysis
