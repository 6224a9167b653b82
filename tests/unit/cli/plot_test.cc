#include "cli/output/plot.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int kColumns = 40;  // of the canvas
constexpr int kRows = 5;
constexpr int kWidth = kColumns * 2;  // in dots
constexpr int kHeight = kRows * 4;

PlotOptions Small() {
  PlotOptions options;
  options.columns = 9 + kColumns;
  options.rows = kRows;
  return options;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The dots of a picture without colour and y label, as (x, y) from the upper left corner.
std::set<std::pair<int, int>> Dots(const std::string& picture) {
  static constexpr int kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  std::set<std::pair<int, int>> dots;
  const std::vector<std::string> lines = Lines(picture);
  for (int row = 0; row < kRows; ++row) {
    const std::string& line = lines.at(static_cast<size_t>(row));
    size_t at = line.find("│") != std::string::npos ? line.find("│") + 3 : line.find("┤") + 3;
    for (int column = 0; at < line.size(); ++column) {
      if (line[at] == ' ') {
        ++at;
        continue;
      }
      const int code = (static_cast<unsigned char>(line[at + 1]) & 0x3F) << 6 |
                       (static_cast<unsigned char>(line[at + 2]) & 0x3F);
      for (int y = 0; y < 4; ++y) {
        for (int x = 0; x < 2; ++x) {
          if ((code & 0xFF & kBits[y][x]) != 0) dots.emplace(column * 2 + x, row * 4 + y);
        }
      }
      at += 3;
    }
  }
  return dots;
}

TEST(RenderPlot, DrawsALineFromCornerToCorner) {
  const std::string picture = RenderPlot(Terminal(), {{"up", {{0, 0}, {1, 1}}}}, Small());
  const auto dots = Dots(picture);
  EXPECT_TRUE(dots.contains({0, kHeight - 1}));
  EXPECT_TRUE(dots.contains({kWidth - 1, 0}));
  EXPECT_EQ(dots.size(), static_cast<size_t>(kWidth));  // one in each column
  for (const auto& [x, y] : dots) {
    EXPECT_NEAR(y, (1.0 - x / (kWidth - 1.0)) * (kHeight - 1), 0.51) << x;
  }
}

TEST(RenderPlot, NamesItsAxesAndSeries) {
  PlotOptions options = Small();
  options.x_label = "step";
  options.y_label = "train/loss";
  const std::string picture = RenderPlot(Terminal(), {{"tiny", {{0, 1.5}, {2000, 7.5}}}}, options);
  const std::vector<std::string> lines = Lines(picture);
  EXPECT_EQ(lines.front(), "train/loss");
  EXPECT_THAT(lines[1], HasSubstr("7.5 ┤"));
  EXPECT_THAT(lines[3], HasSubstr("4.5 ┤"));
  EXPECT_THAT(lines[5], HasSubstr("1.5 ┤"));
  EXPECT_THAT(lines[7], testing::AllOf(HasSubstr(" 0 "), HasSubstr(" 1000 "), HasSubstr(" step "),
                                       testing::EndsWith(" 2000")));
  EXPECT_EQ(lines.back(), "         ━━ tiny");
}

TEST(RenderPlot, NoLineIsWiderThanItMayBe) {
  for (const int columns : {19, 30, 49, 80, 120}) {
    PlotOptions options = Small();
    options.columns = columns;
    options.x_label = "step";
    const std::string picture =
        RenderPlot(Terminal(), {{"a", {{0, 1}, {123456, 0.25}}}, {"b", {{0, 2}}}}, options);
    for (const std::string& line : Lines(picture)) EXPECT_LE(DisplayWidth(line), columns) << line;
  }
}

TEST(RenderPlot, ASpikeIsNeverLost) {
  PlotSeries series{"flat", {}};
  for (int step = 0; step < 100000; ++step) series.points.emplace_back(step, 1.0);
  series.points[50000].second = 9;
  const auto dots = Dots(RenderPlot(Terminal(), {series}, Small()));
  EXPECT_TRUE(dots.contains({kWidth / 2, 0}) || dots.contains({kWidth / 2 - 1, 0}));
}

TEST(RenderPlot, NanAndInfinityLeaveAGap) {
  const PlotSeries series{"gap", {{0, 0}, {10, 0}, {20, kNan}, {30, kInf}, {40, 0}, {50, 1}}};
  const auto dots = Dots(RenderPlot(Terminal(), {series}, Small()));
  for (const auto& [x, y] : dots) {
    const double value = x * 50.0 / (kWidth - 1);
    EXPECT_TRUE(value < 11 || value > 39) << x << "," << y;
  }
  EXPECT_TRUE(dots.contains({0, kHeight - 1}));
  EXPECT_TRUE(dots.contains({kWidth - 1, 0}));
}

TEST(RenderPlot, WhatIsNotFiniteHasAMarkBelowIt) {
  const PlotSeries series{"gap", {{0, 0}, {10, 0}, {50, kNan}, {60, kInf}, {100, 1}}};
  const std::vector<std::string> lines = Lines(RenderPlot(Terminal(), {series}, Small()));
  const std::string& axis = lines[kRows];
  const size_t first = axis.find("×");
  ASSERT_NE(first, std::string::npos) << axis;
  EXPECT_NEAR(DisplayWidth(axis.substr(0, first)), 9 + kColumns / 2, 1);
  EXPECT_NE(axis.find("×", first + 1), std::string::npos);
  EXPECT_THAT(lines.back(), testing::EndsWith("gap  × 2 not finite"));
}

TEST(RenderPlot, ACurveThatEndsInNanShowsHowFarItGot) {
  const PlotSeries series{"lost", {{0, 1}, {50, 2}, {100, kNan}}};
  const std::string picture = RenderPlot(Terminal(), {series}, Small());
  EXPECT_THAT(Lines(picture)[kRows + 1], testing::EndsWith(" 100"));
  for (const auto& [x, y] : Dots(picture)) EXPECT_LE(x, kWidth / 2 + 1);
}

TEST(RenderPlot, ABandIsDottedBetweenItsEdges) {
  PlotSeries series{"mean", {{0, 5}, {1, 5}}, {{0, 0, 10}, {1, 0, 10}}};
  const auto dots = Dots(RenderPlot(Terminal(), {series}, Small()));
  std::set<int> rows;
  for (const auto& [x, y] : dots) rows.insert(y);
  EXPECT_EQ(rows.size(), static_cast<size_t>(kHeight));  // from the smallest to the largest
  EXPECT_LT(dots.size(), static_cast<size_t>(kWidth * kHeight / 4));  // and the line stays legible
  EXPECT_TRUE(dots.contains({0, kHeight / 2}) || dots.contains({0, kHeight / 2 - 1}));
}

TEST(RenderPlot, LongLabelsAndManySeriesStayWithinBounds) {
  std::vector<PlotSeries> many;
  for (int i = 0; i < 100; ++i) many.push_back({std::string(300, 'x'), {{0, i}, {1, i}}});
  const std::vector<std::string> lines = Lines(RenderPlot(Terminal(), many, Small()));
  for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), 9 + kColumns) << line;
  EXPECT_THAT(lines.back(), HasSubstr("and 60 more"));
}

TEST(RenderPlot, APointAloneIsADot) {
  const auto dots = Dots(RenderPlot(Terminal(), {{"one", {{5, 3}}}}, Small()));
  ASSERT_EQ(dots.size(), 1u);
  EXPECT_NEAR(dots.begin()->first, kWidth / 2, 1);
  EXPECT_NEAR(dots.begin()->second, kHeight / 2, 1);
}

TEST(RenderPlot, SaysWhenThereIsNothingToDraw) {
  EXPECT_EQ(RenderPlot(Terminal(), {}, Small()), "nothing to plot yet\n");
  EXPECT_EQ(RenderPlot(Terminal(), {{"a", {}}}, Small()), "nothing to plot yet\n");
  EXPECT_EQ(RenderPlot(Terminal(), {{"a", {{1, kNan}}}}, Small()), "nothing to plot yet\n");
}

TEST(RenderPlot, LogarithmicAxesSpreadDecadesAndLeaveOutWhatHasNoLogarithm) {
  PlotOptions options = Small();
  options.log_x = true;
  options.log_y = true;
  const PlotSeries series{"log", {{0, 5}, {1, 1}, {10, 10}, {50, -3}, {100, 100}}};
  const std::string picture = RenderPlot(Terminal(), {series}, options);
  const std::vector<std::string> lines = Lines(picture);
  EXPECT_THAT(lines[2], HasSubstr(" 10 ┤"));  // the middle of 1 and 100
  const auto dots = Dots(picture);
  EXPECT_TRUE(dots.contains({0, kHeight - 1}));
  EXPECT_TRUE(dots.contains({kWidth - 1, 0}));
  EXPECT_TRUE(dots.contains({40, 9}) || dots.contains({40, 10}) || dots.contains({39, 10}));
  options.log_y = false;
  EXPECT_THAT(Lines(RenderPlot(Terminal(), {{"s", {{1, -1}, {100, 1}}}}, options))[2],
              HasSubstr(" 0 ┤"));
}

TEST(RenderPlot, EachSeriesHasItsColor) {
  Terminal terminal;
  terminal.color = true;
  const std::string picture =
      RenderPlot(terminal, {{"a", {{0, 0}, {1, 0}}}, {"b", {{0, 1}, {1, 1}}}}, Small());
  EXPECT_THAT(picture, HasSubstr("\x1b[36m━━ \x1b[0ma"));
  EXPECT_THAT(picture, HasSubstr("\x1b[33m━━ \x1b[0mb"));
  const std::vector<std::string> lines = Lines(picture);
  EXPECT_THAT(lines[0], testing::AllOf(HasSubstr("\x1b[33m"), Not(HasSubstr("\x1b[36m"))));
  EXPECT_THAT(lines[kRows - 1], testing::AllOf(HasSubstr("\x1b[36m"), Not(HasSubstr("\x1b[33m"))));
}

TEST(RenderPlot, WithoutColorEachCurveHasItsGlyph) {
  const std::vector<PlotSeries> series = {{"a", {{0, 0}, {1, 0}}}, {"b", {{0, 1}, {0.5, 1}}}};
  const std::string picture = RenderPlot(Terminal(), series, Small());
  EXPECT_THAT(picture, testing::AllOf(HasSubstr("━o a"), HasSubstr("━x b")));
  const std::vector<std::string> lines = Lines(picture);
  EXPECT_THAT(lines[0], testing::AllOf(HasSubstr("⠉x"), Not(HasSubstr("o"))));
  EXPECT_EQ(std::count(lines[kRows - 1].begin(), lines[kRows - 1].end(), 'o'), 5);
  EXPECT_EQ(lines[kRows - 1].back(), 'o') << "at its end too";
  EXPECT_THAT(RenderPlot(Terminal(), {series[0]}, Small()), HasSubstr("━━ a"));
  Terminal color;
  color.color = true;
  EXPECT_THAT(RenderPlot(color, series, Small()), Not(HasSubstr("o")));
}

TEST(Sparkline, GoesFromHighToLow) {
  EXPECT_EQ(Sparkline({7, 6, 5, 4, 3, 2, 1, 0}, 8), "█▇▆▅▄▃▂▁");
  EXPECT_EQ(Sparkline({1, 1, 1}, 8), "▁▁▁");
  EXPECT_EQ(Sparkline({0, kNan, 1}, 8), "▁█");
}

TEST(Sparkline, FitsItsColumnsAndKeepsBothEnds) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(i);
  EXPECT_EQ(Sparkline(values, 2), "▁█");
  EXPECT_EQ(DisplayWidth(Sparkline(values, 20)), 20);
  EXPECT_EQ(Sparkline({}, 8), "");
  EXPECT_EQ(Sparkline({kNan}, 8), "");
  EXPECT_EQ(Sparkline({1, 2}, 0), "");
}

}  // namespace
}  // namespace shoal::cli
