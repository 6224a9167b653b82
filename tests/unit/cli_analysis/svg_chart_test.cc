#include "cli/report/svg_chart.h"

#include <cmath>
#include <limits>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/xml.h"

namespace shoal::report {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

XmlNode Parsed(const std::string& svg) {
  XmlNode root;
  EXPECT_EQ(ParseXml(svg, root), "") << svg.substr(0, 2000);
  return root;
}

// The coordinates of every line's path.
std::vector<std::pair<double, double>> LinePoints(const XmlNode& root) {
  std::vector<std::pair<double, double>> points;
  for (const XmlNode* path : root.All("path")) {
    if (path->Attribute("class") != "line") continue;
    std::string numbers = path->Attribute("d");
    for (char& c : numbers) c = c == 'M' || c == 'L' ? ' ' : c;
    for (const std::string_view pair : StrSplit(numbers, ' ')) {
      if (pair.empty()) continue;
      const size_t comma = pair.find(',');
      points.emplace_back(std::stod(std::string(pair.substr(0, comma))),
                          std::stod(std::string(pair.substr(comma + 1))));
    }
  }
  return points;
}

TEST(SvgChart, ASpikeOfOneStepReachesItsHeight) {
  ChartSeries series{"flat", 0, {}};
  for (int step = 0; step < 200000; ++step)
    series.points.push_back({static_cast<double>(step), 1.0, step});
  series.points[123456].y = 9;
  ChartOptions options;
  const XmlNode root = Parsed(SvgChart({series}, options));
  const auto points = LinePoints(root);
  EXPECT_LT(points.size(), 4u * 720);
  double highest = 1e9, at = 0, lowest = 0;
  for (const auto& [x, y] : points) {
    if (y < highest) highest = y, at = x;
    lowest = std::max(lowest, y);
  }
  EXPECT_LT(highest, 30);  // the top of the picture
  EXPECT_GT(lowest, 260);  // the bottom
  EXPECT_NEAR(at, 52 + 123456.0 / 200000 * (720 - 52 - 12), 1);
}

TEST(SvgChart, MarksWhatIsNotFinite) {
  const ChartSeries series{
      "gap", 0, {{0, 1, 0}, {1, 2, 1}, {2, kNan, 2}, {3, 2, 3}, {4, kInf, 4}, {5, 1, 5}}};
  const XmlNode root = Parsed(SvgChart({series}, {}));
  int marks = 0;
  for (const XmlNode* text : root.All("text")) marks += text->Attribute("class") == "lost" ? 1 : 0;
  EXPECT_EQ(marks, 2);
  EXPECT_EQ(LinePoints(root).size(), 4u);
  EXPECT_EQ(SvgPath({{0, 1, 0}, {1, kNan, 1}, {2, 3, 2}, {3, 4, 3}}), "M0.0,1.0M2.0,3.0L3.0,4.0");
}

TEST(SvgChart, EscapesLabels) {
  const ChartSeries series{"</svg><script>alert(1)</script>", 0, {{0, 1, 0}, {1, 2, 1}}};
  ChartOptions options;
  options.x_label = "x";
  options.name = "a<b&\"c\"";
  const std::string svg = SvgChart({series}, options);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
  const XmlNode root = Parsed(svg);
  EXPECT_EQ(root.Attribute("aria-label"), "a<b&\"c\" against x");
  EXPECT_THAT(root.AllText(), HasSubstr("</svg><script>alert(1)</script>"));
  Parsed(ChartLegend({series}));
}

TEST(SvgChart, HoverTellsTheNearestValues) {
  ChartSeries series{"one", 0, {}};
  for (int step = 0; step <= 100; ++step)
    series.points.push_back({static_cast<double>(step), step * 0.5, step});
  ChartOptions options;
  options.x_label = "step";
  const XmlNode root = Parsed(SvgChart({series}, options));
  const auto strips = root.All("rect");
  ASSERT_EQ(strips.size(), 48u);
  EXPECT_EQ(strips.front()->AllText(), "step 1\none: 0.5");
  EXPECT_EQ(strips.back()->AllText(), "step 99\none: 49.5");
}

TEST(SvgChart, HasNothingToDrawWithoutFiniteValues) {
  EXPECT_EQ(SvgChart({}, {}), "");
  EXPECT_EQ(SvgChart({{"a", 0, {{0, kNan, 0}}}}, {}), "");
  ChartOptions log;
  log.log_y = true;
  EXPECT_EQ(SvgChart({{"a", 0, {{0, -1, 0}, {1, 0, 1}}}}, log), "");
}

TEST(SvgChart, AConstantAndASinglePointAreDrawn) {
  EXPECT_EQ(LinePoints(Parsed(SvgChart({{"a", 0, {{0, 3, 0}, {1, 3, 1}}}}, {}))).size(), 2u);
  const XmlNode one = Parsed(SvgChart({{"a", 0, {{5, 3, 5}}}}, {}));
  EXPECT_EQ(one.All("circle").size(), 1u);
}

TEST(SvgChart, DrawsABandBehindItsLine) {
  ChartSeries series{"mean", 9, {{0, 2, 0}, {1, 2, 1}}};
  series.band = {{0, 2, 1, 3, 0, 3}, {1, 2, 1, 4, 1, 3}};
  const XmlNode root = Parsed(SvgChart({series}, {}));
  int bands = 0;
  for (const XmlNode* path : root.All("path")) bands += path->Attribute("class") == "band" ? 1 : 0;
  EXPECT_EQ(bands, 1);
  bool dashed = false;  // the tenth series has the second one's colour, dashed
  for (const XmlNode* group : root.All("g")) dashed |= group->Attribute("class") == "c1 dashed";
  EXPECT_TRUE(dashed);
}

TEST(Ticks, AreRound) {
  EXPECT_THAT(RoundTicks(0, 100, 5), ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(RoundTicks(1.23, 1.31, 4), ElementsAre(1.25, DoubleEq(1.275), DoubleEq(1.3)));
  EXPECT_THAT(RoundTicks(-1, 1, 4), ElementsAre(-1, -0.5, 0, 0.5, 1));
  EXPECT_THAT(RoundTicks(3, 3, 4), ElementsAre());
  EXPECT_THAT(LogTicks(0.5, 2000), ElementsAre(1, 10, 100, 1000));
  EXPECT_THAT(LogTicks(1, 60), ElementsAre(1, 2, 5, 10, 20, 50));
  EXPECT_LE(LogTicks(1e-12, 1e12).size(), 9u);
}

TEST(Ticks, HaveAsManyDecimalsAsTheFinest) {
  EXPECT_THAT(TickTexts({4, 4.5, 5}), ElementsAre("4.0", "4.5", "5.0"));
  EXPECT_THAT(TickTexts({0, 20, 40}), ElementsAre("0", "20", "40"));
  EXPECT_THAT(TickTexts({1.25, 1.275, 1.3}), ElementsAre("1.250", "1.275", "1.300"));
  EXPECT_THAT(TickTexts({0, 200000, 400000}), ElementsAre("0", "200k", "400k"));
  EXPECT_THAT(TickTexts({0.0001, 0.001}), ElementsAre("0.0001", "0.0010"));
  EXPECT_THAT(TickTexts({1e-9, 1e-7}), ElementsAre("1e-09", "1e-07"));
}

}  // namespace
}  // namespace shoal::report
