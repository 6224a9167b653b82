// Curves in the terminal: several series over one pair of axes, drawn with braille dots (two by
// four in a character), each in its colour with a marker in the legend.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/output/terminal.h"

namespace shoal::cli {

struct PlotSeries {
  std::string label;
  std::vector<std::pair<double, double>> points;  // (x, y) with x growing; NaN and Inf leave a gap
};

struct PlotOptions {
  int columns = 80;  // of the whole picture
  int rows = 16;     // of the drawing area
  bool log_x = false;
  bool log_y = false;
  std::string x_label;
  std::string y_label;
};

// The picture, with newlines. Says so when there is nothing to draw. Within one column the smallest
// and largest value are both drawn, so that a spike is never lost.
std::string RenderPlot(const Terminal& terminal, const std::vector<PlotSeries>& series,
                       const PlotOptions& options);

// A one-line picture of a series: "█▆▄▃▂▂▁". At most `columns` characters.
std::string Sparkline(const std::vector<double>& values, int columns);

}  // namespace shoal::cli
