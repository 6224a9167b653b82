// Curves in the terminal: several series over one pair of axes, drawn with braille dots (two by
// four in a character), each in its colour. Where there is no colour, and more than one curve, a
// letter or sign of its own stands on each curve now and then, and in the legend.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/output/terminal.h"

namespace shoal::cli {

struct PlotBand {
  double x = 0;
  double low = 0;
  double high = 0;
};

struct PlotSeries {
  std::string label;
  // (x, y) with x growing. NaN and Inf leave a gap, and a × on the axis below it.
  std::vector<std::pair<double, double>> points;
  std::vector<PlotBand> band = {};  // dotted behind the line: smallest and largest of several runs
};

struct PlotOptions {
  int columns = 80;  // of the whole picture
  int rows = 16;     // of the drawing area
  bool log_x = false;
  bool log_y = false;
  std::string x_label;
  std::string y_label;
};

// The picture, with newlines, no line wider than options.columns. Says so when there is nothing to
// draw. Within one column the smallest and largest value are both drawn, so that a spike is never
// lost.
std::string RenderPlot(const Terminal& terminal, const std::vector<PlotSeries>& series,
                       const PlotOptions& options);

// A one-line picture of a series: "█▆▄▃▂▂▁". At most `columns` characters.
std::string Sparkline(const std::vector<double>& values, int columns);

}  // namespace shoal::cli
