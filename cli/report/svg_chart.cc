#include "cli/report/svg_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/output/format.h"
#include "cli/report/html.h"
#include "core/base/strings.h"

namespace shoal::report {
namespace {

using analysis::Curve;
using analysis::CurvePoint;

constexpr int kLeft = 52, kRight = 12, kTop = 12, kBottom = 40;  // margins
constexpr int kHoverSlots = 48;
constexpr size_t kHoverLines = 12;

std::string Pixels(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string Short(double value) {
  if (value != 0 && std::abs(value) >= 10000) return cli::HumanCount(value);
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

// One axis: its range, and where a value is in pixels.
struct Scale {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double from = 0, to = 0;  // pixels of low and high
  bool log = false;

  bool Drawable(double value) const { return std::isfinite(value) && (!log || value > 0); }
  void Include(double value) {
    if (!Drawable(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double Map(double value) const { return log ? std::log10(value) : value; }
  double Unmap(double value) const { return log ? std::pow(10, value) : value; }
  // Makes room at both ends, and something of nothing.
  void Pad(double share) {
    double a = Map(low), b = Map(high);
    if (a == b)
      a -= log ? 0.5 : std::max(std::abs(a) * 0.1, 0.5),
          b += log ? 0.5 : std::max(std::abs(b) * 0.1, 0.5);
    const double room = (b - a) * share;
    low = Unmap(a - room);
    high = Unmap(b + room);
  }
  double At(double value) const {
    return from + (Map(value) - Map(low)) / (Map(high) - Map(low)) * (to - from);
  }
  std::vector<double> Ticks(int count) const {
    return log ? LogTicks(low, high) : RoundTicks(low, high, count);
  }
};

struct Axes {
  Scale x, y;
};

bool FitAxes(const std::vector<ChartSeries>& series, const ChartOptions& options, Axes& axes) {
  axes.x.log = options.log_x;
  axes.y.log = options.log_y;
  for (const ChartSeries& one : series) {
    for (const CurvePoint& point : one.points) {
      axes.x.Include(point.x);
      axes.y.Include(point.y);
    }
    for (const analysis::BandPoint& point : one.band) {
      axes.y.Include(point.low);
      axes.y.Include(point.high);
    }
  }
  if (!(axes.x.low <= axes.x.high) || !(axes.y.low <= axes.y.high)) return false;
  axes.x.Pad(0);
  axes.y.Pad(0.04);
  axes.x.from = kLeft;
  axes.x.to = options.width - kRight;
  axes.y.from = options.height - kBottom;
  axes.y.to = kTop;
  return true;
}

std::string Line(double x1, double y1, double x2, double y2, std::string_view css) {
  return StrCat("<line class=\"", css, "\" x1=\"", Pixels(x1), "\" y1=\"", Pixels(y1), "\" x2=\"",
                Pixels(x2), "\" y2=\"", Pixels(y2), "\"/>");
}

std::string Text(double x, double y, std::string_view anchor, std::string_view text) {
  return StrCat("<text x=\"", Pixels(x), "\" y=\"", Pixels(y), "\" text-anchor=\"", anchor, "\">",
                Escaped(text), "</text>");
}

std::string DrawAxes(const Axes& axes, const ChartOptions& options) {
  const Scale& x = axes.x;
  const Scale& y = axes.y;
  std::string out = "<g class=\"axes\">";
  const std::vector<double> y_ticks = y.Ticks(options.height > 300 ? 7 : 5);
  const std::vector<std::string> y_texts = TickTexts(y_ticks);
  for (size_t i = 0; i < y_ticks.size(); ++i) {
    out += Line(x.from, y.At(y_ticks[i]), x.to, y.At(y_ticks[i]), "grid");
    out += Text(x.from - 8, y.At(y_ticks[i]) + 4, "end", y_texts[i]);
  }
  const std::vector<double> x_ticks = x.Ticks(options.width / 90);
  const std::vector<std::string> x_texts = TickTexts(x_ticks);
  for (size_t i = 0; i < x_ticks.size(); ++i) {
    out += Line(x.At(x_ticks[i]), y.from, x.At(x_ticks[i]), y.from + 4, "axis");
    out += Text(x.At(x_ticks[i]), y.from + 18, "middle", x_texts[i]);
  }
  out += Line(x.from, y.from, x.to, y.from, "axis");
  out += Text((x.from + x.to) / 2, options.height - 6.0, "middle", options.x_label);
  return out + "</g>\n";
}

// The curve in pixels; what cannot be drawn is NaN.
Curve Placed(const Curve& curve, const Axes& axes, int columns) {
  Curve placed;
  for (const CurvePoint& point : curve) {
    if (!axes.x.Drawable(point.x)) continue;
    placed.push_back(
        {axes.x.At(point.x),
         axes.y.Drawable(point.y) ? axes.y.At(point.y) : std::numeric_limits<double>::quiet_NaN(),
         point.step});
  }
  return analysis::Thinned(placed, axes.x.from, axes.x.to, columns);
}

std::string BandShape(const ChartSeries& series, const Axes& axes) {
  std::string out;
  Curve top, bottom;
  const auto flush = [&] {
    if (top.size() > 1) {
      const int columns = static_cast<int>(axes.x.to - axes.x.from);
      // Of the upper edge the highest, of the lower edge the lowest of each column stays.
      Curve shape = analysis::Thinned(top, axes.x.from, axes.x.to, columns);
      Curve back = analysis::Thinned(bottom, axes.x.from, axes.x.to, columns);
      std::reverse(back.begin(), back.end());
      shape.insert(shape.end(), back.begin(), back.end());
      StrAppend(out, "<path class=\"band\" d=\"", SvgPath(shape), "Z\"/>");
    }
    top.clear();
    bottom.clear();
  };
  for (const analysis::BandPoint& point : series.band) {
    if (point.runs == 0 || !axes.x.Drawable(point.x) || !axes.y.Drawable(point.low)) {
      flush();
      continue;
    }
    top.push_back({axes.x.At(point.x), axes.y.At(point.high), point.step});
    bottom.push_back({axes.x.At(point.x), axes.y.At(point.low), point.step});
  }
  flush();
  return out;
}

std::string SeriesClass(const ChartSeries& series) {
  return StrCat("class=\"c", series.color % kColors, series.color >= kColors ? " dashed" : "",
                "\"");
}

std::string DrawSeries(const ChartSeries& series, const Axes& axes) {
  const int columns = static_cast<int>(axes.x.to - axes.x.from);
  const Curve placed = Placed(series.points, axes, columns);
  std::string out = BandShape(series, axes);
  StrAppend(out, "<path class=\"line\" d=\"", SvgPath(placed), "\"/>");
  if (series.points.size() <= 60) {
    for (const CurvePoint& point : placed) {
      if (!std::isfinite(point.y)) continue;
      StrAppend(out, "<circle cx=\"", Pixels(point.x), "\" cy=\"", Pixels(point.y), "\" r=\"2\"/>");
    }
  }
  for (const CurvePoint& point : placed) {
    if (std::isfinite(point.y)) continue;
    StrAppend(out, "<text class=\"lost\" text-anchor=\"middle\" x=\"", Pixels(point.x), "\" y=\"",
              Pixels(axes.y.from + 4), "\">×<title>",
              Escaped(StrCat(series.label, "\nnot a finite number from step ", point.step)),
              "</title></text>");
  }
  return StrCat("<g ", SeriesClass(series), "><title>", Escaped(series.label), "</title>", out,
                "</g>\n");
}

// The point nearest to a place in pixels, at most `reach` away; null: none.
const CurvePoint* Nearest(const Curve& points, const Scale& x, double place, double reach) {
  const auto after = std::lower_bound(points.begin(), points.end(), place,
                                      [&](const CurvePoint& point, double wanted) {
                                        return !x.Drawable(point.x) || x.At(point.x) < wanted;
                                      });
  const CurvePoint* nearest = nullptr;
  for (auto it = after == points.begin() ? after : std::prev(after);
       it != points.end() && it <= after; ++it) {
    if (!x.Drawable(it->x) || std::abs(x.At(it->x) - place) > reach) continue;
    if (nearest == nullptr || std::abs(x.At(it->x) - place) < std::abs(x.At(nearest->x) - place)) {
      nearest = &*it;
    }
  }
  return nearest;
}

// Strips across the picture; each tells the values nearest to its middle.
std::string DrawHover(const std::vector<ChartSeries>& series, const Axes& axes,
                      const ChartOptions& options) {
  std::string out = "<g class=\"hover\">";
  const double width = (axes.x.to - axes.x.from) / kHoverSlots;
  for (int slot = 0; slot < kHoverSlots; ++slot) {
    const double left = axes.x.from + slot * width;
    std::string title;
    size_t lines = 0;
    for (const ChartSeries& one : series) {
      const CurvePoint* nearest = Nearest(one.points, axes.x, left + width / 2, width);
      if (nearest == nullptr) continue;
      if (title.empty()) title = StrCat(options.x_label, " ", Short(nearest->x));
      if (lines++ < kHoverLines) StrAppend(title, "\n", one.label, ": ", nearest->y);
    }
    if (title.empty()) continue;
    if (lines > kHoverLines) StrAppend(title, "\nand ", lines - kHoverLines, " more");
    StrAppend(out, "<rect x=\"", Pixels(left), "\" y=\"", kTop, "\" width=\"", Pixels(width),
              "\" height=\"", options.height - kTop - kBottom, "\"><title>", Escaped(title),
              "</title></rect>");
  }
  return out + "</g>\n";
}

}  // namespace

std::string SvgPath(const Curve& placed) {
  std::string path;
  bool pen_down = false;
  for (const CurvePoint& point : placed) {
    if (!std::isfinite(point.y)) {
      pen_down = false;
      continue;
    }
    StrAppend(path, pen_down ? "L" : "M", Pixels(point.x), ",", Pixels(point.y));
    pen_down = true;
  }
  return path;
}

std::vector<std::string> TickTexts(const std::vector<double>& ticks) {
  double largest = 0;
  for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
  // As many decimals as it takes until every text reads back to its tick.
  for (int decimals = 0; decimals <= 4 && largest < 10000; ++decimals) {
    std::vector<std::string> texts;
    bool exact = true;
    for (const double tick : ticks) {
      texts.push_back(cli::Fixed(tick, decimals));
      exact = exact && std::abs(std::stod(texts.back()) - tick) <= largest * 1e-9;
    }
    if (exact) return texts;
  }
  std::vector<std::string> texts;
  for (const double tick : ticks) texts.push_back(Short(tick));
  return texts;
}

std::vector<double> RoundTicks(double low, double high, int count) {
  std::vector<double> ticks;
  if (!(high > low)) return ticks;
  const double rough = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power * 10;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (power * factor >= rough) {
      step = power * factor;
      break;
    }
  }
  // Counted, not added up: no rounding piles up.
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i)
    ticks.push_back(i == 0 ? 0 : i * step);
  return ticks;
}

std::vector<double> LogTicks(double low, double high) {
  std::vector<double> ticks;
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::ceil(std::log10(high)));
  const int every = std::max(1, (last - first + 6) / 7);
  for (int power = first; power <= last; ++power) {
    if ((power - first) % every != 0) continue;
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1 && last - first > 3) continue;
      const double tick = std::pow(10, power) * factor;
      if (tick >= low && tick <= high) ticks.push_back(tick);
    }
  }
  // Less than a factor of two: round numbers serve better.
  return ticks.size() < 2 ? RoundTicks(low, high, 5) : ticks;
}

std::string SvgChart(const std::vector<ChartSeries>& series, const ChartOptions& options) {
  Axes axes;
  if (!FitAxes(series, options, axes)) return "";
  std::string out = StrCat("<svg viewBox=\"0 0 ", options.width, " ", options.height,
                           "\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"",
                           Escaped(StrCat(options.name, " against ", options.x_label)), "\">\n");
  out += DrawAxes(axes, options);
  for (const ChartSeries& one : series) out += DrawSeries(one, axes);
  return out + DrawHover(series, axes, options) + "</svg>\n";
}

std::string ChartLegend(const std::vector<ChartSeries>& series) {
  std::string out;
  for (const ChartSeries& one : series) {
    out += Element(
        "span", SeriesClass(one),
        StrCat("<svg viewBox=\"0 0 22 8\" width=\"22\" height=\"8\" aria-hidden=\"true\"><path "
               "class=\"line\" d=\"M1,4L21,4\"/></svg> ",
               Escaped(one.label)));
  }
  return Element("p", "class=\"legend\"", out) + "\n";
}

}  // namespace shoal::report
