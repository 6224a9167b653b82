#include "cli/output/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

namespace shoal::cli {
namespace {

constexpr std::array<Style, 6> kColors = {Style::kCyan,    Style::kYellow, Style::kGreen,
                                          Style::kMagenta, Style::kRed,    Style::kBlue};
// What marks a curve where there is no colour; the 37th begins anew.
constexpr std::string_view kGlyphs = "ox+*#@%&abcdefghijklmnpqrstuvwyzABCDE";
constexpr int kGlyphEvery = 12;  // columns
constexpr int kAxisColumns = 9;

char GlyphOf(size_t series) { return kGlyphs[series % kGlyphs.size()]; }
constexpr size_t kLegendLines = 40;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool log = false;

  double Map(double value) const { return log ? std::log10(value) : value; }
  bool Drawable(double value) const { return std::isfinite(value) && (!log || value > 0); }
  void Include(double value) {
    low = std::min(low, Map(value));
    high = std::max(high, Map(value));
  }
  // 0..1 within the range.
  double Place(double value) const { return high > low ? (Map(value) - low) / (high - low) : 0.5; }
  double At(double place) const {
    const double mapped = low + place * (high - low);
    return log ? std::pow(10, mapped) : mapped;
  }
};

// Dots of a picture; each cell also knows which series drew in it last.
class Canvas {
 public:
  Canvas(int columns, int rows)
      : columns_(columns),
        rows_(rows),
        dots_(static_cast<size_t>(columns * rows), 0),
        owner_(dots_.size(), 0),
        glyphs_(dots_.size(), '\0') {}
  int width() const { return columns_ * 2; }
  int height() const { return rows_ * 4; }

  void Dot(int x, int y, size_t series) {
    if (x < 0 || y < 0 || x >= width() || y >= height()) return;
    static constexpr uint8_t kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const auto cell = static_cast<size_t>(y / 4 * columns_ + x / 2);
    dots_[cell] = static_cast<uint8_t>(dots_[cell] | kBits[y % 4][x % 2]);
    owner_[cell] = series;
  }
  void Line(int x0, int y0, int x1, int y1, size_t series) {
    const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int i = 0; i <= steps; ++i) {
      const double t = static_cast<double>(i) / steps;
      Dot(static_cast<int>(std::lround(x0 + t * (x1 - x0))),
          static_cast<int>(std::lround(y0 + t * (y1 - y0))), series);
    }
  }
  // At a dot's place; one that is there stays.
  void Glyph(int x, int y, size_t series) {
    char& glyph = glyphs_[static_cast<size_t>(y / 4 * columns_ + x / 2)];
    if (glyph == '\0') glyph = GlyphOf(series);
  }
  std::string Row(const Terminal& terminal, int row) const {
    std::string out;
    for (int c = 0; c < columns_; ++c) {
      const auto cell = static_cast<size_t>(row * columns_ + c);
      if (glyphs_[cell] != '\0') {
        out += glyphs_[cell];
        continue;
      }
      if (dots_[cell] == 0) {
        out += ' ';
        continue;
      }
      const uint32_t code = 0x2800U + dots_[cell];
      const std::string utf8 = {static_cast<char>(0xE0 | code >> 12),
                                static_cast<char>(0x80 | (code >> 6 & 0x3F)),
                                static_cast<char>(0x80 | (code & 0x3F))};
      out += Styled(terminal, kColors[owner_[cell] % kColors.size()], utf8);
    }
    return out;
  }

 private:
  int columns_, rows_;
  std::vector<uint8_t> dots_;
  std::vector<size_t> owner_;
  std::vector<char> glyphs_;  // '\0': none
};

std::string Tick(double value) {
  std::array<char, 32> text;
  const double size = std::abs(value);
  const char* format = size < 1000 ? "%.3g" : size < 999999.5 ? "%.0f" : "%.4g";
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

void Draw(Canvas& canvas, const PlotSeries& series, size_t index, const Range& x, const Range& y) {
  bool connected = false;
  int last_x = 0, last_y = 0;
  for (const auto& [px, py] : series.points) {
    if (!x.Drawable(px) || !y.Drawable(py)) {
      connected = false;
      continue;
    }
    const int cx = static_cast<int>(std::lround(x.Place(px) * (canvas.width() - 1)));
    const int cy = static_cast<int>(std::lround((1 - y.Place(py)) * (canvas.height() - 1)));
    if (connected) {
      canvas.Line(last_x, last_y, cx, cy, index);
    } else {
      canvas.Dot(cx, cy, index);
    }
    last_x = cx;
    last_y = cy;
    connected = true;
  }
}

// The curve's glyph on every twelfth column, each curve's somewhere else, and at its end.
void Mark(Canvas& canvas, const PlotSeries& series, size_t index, size_t count, const Range& x,
          const Range& y) {
  const int phase = static_cast<int>(index * kGlyphEvery / count);
  const auto mark = [&](double at_x, double at_y) {
    canvas.Glyph(static_cast<int>(std::lround(at_x)), static_cast<int>(std::lround(at_y)), index);
  };
  std::optional<std::pair<double, double>> last;
  for (const auto& [px, py] : series.points) {
    if (!x.Drawable(px) || !y.Drawable(py)) {
      last.reset();
      continue;
    }
    const double cx = x.Place(px) * (canvas.width() - 1);
    const double cy = (1 - y.Place(py)) * (canvas.height() - 1);
    for (int column = phase; last && 2 * column < cx; column += kGlyphEvery) {
      if (2 * column < last->first) continue;
      const double t = (2 * column - last->first) / (cx - last->first);
      mark(2 * column, last->second + t * (cy - last->second));
    }
    last = {cx, cy};
  }
  if (last) mark(last->first, last->second);
}

// Every third dot between low and high, so that a line on top stays legible.
void DrawBand(Canvas& canvas, const PlotSeries& series, size_t index, const Range& x,
              const Range& y) {
  const auto at_x = [&](double v) { return x.Place(v) * (canvas.width() - 1); };
  const auto at_y = [&](double v) { return (1 - y.Place(v)) * (canvas.height() - 1); };
  for (size_t i = 1; i < series.band.size(); ++i) {
    const PlotBand& a = series.band[i - 1];
    const PlotBand& b = series.band[i];
    if (!x.Drawable(a.x) || !x.Drawable(b.x) || !y.Drawable(a.low) || !y.Drawable(a.high) ||
        !y.Drawable(b.low) || !y.Drawable(b.high)) {
      continue;
    }
    const double from = at_x(a.x), to = at_x(b.x);
    for (int c = static_cast<int>(std::ceil(from)); c <= to; ++c) {
      const double t = to > from ? (c - from) / (to - from) : 0;
      const double top = at_y(a.high) + t * (at_y(b.high) - at_y(a.high));
      const double bottom = at_y(a.low) + t * (at_y(b.low) - at_y(a.low));
      for (int r = static_cast<int>(std::ceil(top)); r <= bottom; ++r) {
        if ((c + r) % 3 == 0 && c % 2 == 0) canvas.Dot(c, r, index);
      }
    }
  }
}

bool NeedsGlyphs(const Terminal& terminal, const std::vector<PlotSeries>& series) {
  return !terminal.color && series.size() > 1;
}

// The axis line, with a × below what is not finite.
std::string AxisLine(const Terminal& terminal, const std::vector<PlotSeries>& series,
                     const Range& x, int columns) {
  std::map<int, size_t> marks;  // column -> the series
  for (size_t i = 0; i < series.size(); ++i) {
    for (const auto& [px, py] : series[i].points) {
      if (std::isfinite(py) || !x.Drawable(px)) continue;
      const int column = static_cast<int>(std::lround(x.Place(px) * (columns * 2 - 1))) / 2;
      marks.emplace(std::clamp(column, 0, columns - 1), i);
    }
  }
  std::string line = std::string(kAxisColumns - 1, ' ') + "└";
  for (int c = 0; c < columns; ++c) {
    const auto mark = marks.find(c);
    line +=
        mark == marks.end() ? "─" : Styled(terminal, kColors[mark->second % kColors.size()], "×");
  }
  return line + "\n";
}

std::string Legend(const Terminal& terminal, const std::vector<PlotSeries>& series, int columns) {
  std::string out;
  const std::string margin(kAxisColumns, ' ');
  for (size_t i = 0; i < series.size(); ++i) {
    if (i == kLegendLines && series.size() > kLegendLines + 1) {
      return out + margin + "and " + std::to_string(series.size() - i) + " more\n";
    }
    const auto not_finite =
        std::count_if(series[i].points.begin(), series[i].points.end(),
                      [](const auto& point) { return !std::isfinite(point.second); });
    const std::string mark =
        not_finite > 0 ? "  × " + std::to_string(not_finite) + " not finite" : "";
    out += margin +
           (NeedsGlyphs(terminal, series) ? std::string("━") + GlyphOf(i) + " "
                                          : Styled(terminal, kColors[i % kColors.size()], "━━ ")) +
           Ellipsize(series[i].label, columns - kAxisColumns - 3 - DisplayWidth(mark)) + mark +
           "\n";
  }
  return out;
}

// The smallest, the middle and the largest x, and between the last two what they are; the middle
// and the label only where there is room.
std::string XAxis(const Range& x, int columns, const std::string& label) {
  std::string line(static_cast<size_t>(kAxisColumns + columns), ' ');
  const std::string first = Tick(x.At(0)), middle = Tick(x.At(0.5)), last = Tick(x.At(1));
  const size_t last_at =
      std::max<size_t>(kAxisColumns, line.size() - std::min(line.size(), last.size()));
  line.replace(last_at, last.size(), last);
  if (const size_t first_end = kAxisColumns + first.size(); first_end < last_at) {
    line.replace(kAxisColumns, first.size(), first);
    const size_t at = kAxisColumns + static_cast<size_t>((columns - 1) / 2) - middle.size() / 2;
    size_t end = first_end;
    if (at > first_end && at + middle.size() < last_at) {
      line.replace(at, middle.size(), middle);
      end = at + middle.size();
    }
    if (!label.empty() && end + label.size() + 4 <= last_at)
      line.replace(end + 2, label.size(), label);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string RenderPlot(const Terminal& terminal, const std::vector<PlotSeries>& series,
                       const PlotOptions& options) {
  Range x, y;
  x.log = options.log_x;
  y.log = options.log_y;
  for (const PlotSeries& one : series) {
    for (const auto& [px, py] : one.points) {
      if (!x.Drawable(px) || !y.Drawable(py)) continue;
      x.Include(px);
      y.Include(py);
    }
    for (const PlotBand& band : one.band) {
      if (!x.Drawable(band.x) || !y.Drawable(band.low) || !y.Drawable(band.high)) continue;
      y.Include(band.low);
      y.Include(band.high);
    }
  }
  if (!(x.low <= x.high)) return "nothing to plot yet\n";
  // A curve that ends in NaN shows how far it got.
  for (const PlotSeries& one : series) {
    for (const auto& [px, py] : one.points) {
      if (x.Drawable(px)) x.Include(px);
    }
  }
  const int columns = std::max(10, options.columns - kAxisColumns);
  const int rows = std::max(3, options.rows);
  Canvas canvas(columns, rows);
  for (size_t i = 0; i < series.size(); ++i) DrawBand(canvas, series[i], i, x, y);
  for (size_t i = 0; i < series.size(); ++i) Draw(canvas, series[i], i, x, y);
  if (NeedsGlyphs(terminal, series)) {
    for (size_t i = 0; i < series.size(); ++i) Mark(canvas, series[i], i, series.size(), x, y);
  }

  std::string out;
  if (!options.y_label.empty()) out += Ellipsize(options.y_label, options.columns) + "\n";
  for (int row = 0; row < rows; ++row) {
    std::string tick;
    if (row == 0 || row == rows - 1 || row == (rows - 1) / 2) {
      tick = Tick(y.At(1 - static_cast<double>(row) / (rows - 1)));
    }
    out += std::string(
               static_cast<size_t>(std::max(0, kAxisColumns - 2 - static_cast<int>(tick.size()))),
               ' ') +
           tick;
    out += tick.empty() ? " │" : " ┤";
    out += canvas.Row(terminal, row);
    out.erase(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  out += AxisLine(terminal, series, x, columns) + XAxis(x, columns, options.x_label);
  return out + Legend(terminal, series, options.columns);
}

std::string Sparkline(const std::vector<double>& values, int columns) {
  static constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<double> finite;
  for (const double value : values) {
    if (std::isfinite(value)) finite.push_back(value);
  }
  if (finite.empty() || columns < 1) return "";
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  const size_t count = std::min(finite.size(), static_cast<size_t>(columns));
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    const double value = finite[i * (finite.size() - 1) / std::max<size_t>(1, count - 1)];
    const double place = *high > *low ? (value - *low) / (*high - *low) : 0;
    out += kBlocks[static_cast<size_t>(std::lround(place * 7))];
  }
  return out;
}

}  // namespace shoal::cli
