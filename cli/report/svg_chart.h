// Curves as an SVG picture: axes with round ticks, one colour a series, bands, marks for what is
// not finite, and a title under the pointer. No script.
#pragma once

#include <string>
#include <vector>

#include "cli/analysis/curves.h"

namespace shoal::report {

inline constexpr int kColors = 8;  // classes c0 .. c7 of the page's style

struct ChartSeries {
  std::string label;
  size_t color = 0;  // modulo kColors; from the second round on the line is dashed
  analysis::Curve points;
  std::vector<analysis::BandPoint> band = {};  // smallest to largest, behind the line
};

struct ChartOptions {
  std::string name;  // for those who do not see it; the caption stands outside
  std::string x_label;
  int width = 720;
  int height = 320;
  bool log_x = false;
  bool log_y = false;
};

// Empty where there is nothing to draw. Curves are thinned to the picture's columns without losing
// an extreme.
std::string SvgChart(const std::vector<ChartSeries>& series, const ChartOptions& options);

// "M10.0,20.5L11.0,3.2": the points that can be drawn, a new M after each gap. For tests.
std::string SvgPath(const analysis::Curve& placed);

// The series' names with their colours.
std::string ChartLegend(const std::vector<ChartSeries>& series);

// Ticks as text, all with the decimals that the finest needs: "4.0", "4.5".
std::vector<std::string> TickTexts(const std::vector<double>& ticks);

// Round numbers within [low, high], at most about `count`.
std::vector<double> RoundTicks(double low, double high, int count);
// Powers of ten within, and twice and five times them where there are few.
std::vector<double> LogTicks(double low, double high);

}  // namespace shoal::report
