// What was measured: the comparison, the curves, the runs.
#include <algorithm>
#include <cmath>
#include <set>

#include "cli/output/format.h"
#include "cli/report/comparison_text.h"
#include "cli/report/html.h"
#include "cli/report/report_sections.h"
#include "cli/report/svg_chart.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal::report {
namespace {

using analysis::Comparison;
using analysis::SettingResult;

// A metric's curves as they are told: label and order of importance; what is not listed comes
// after, by name.
struct KnownMetric {
  std::string_view name;
  std::string_view caption;
};
constexpr KnownMetric kKnown[] = {
    {"held_out/loss", "Held-out loss"},
    {"train/loss", "Training loss"},
    {"held_out/bits_per_byte", "Held-out bits per byte"},
    {"held_out/accuracy", "Held-out accuracy"},
    {"train/grad_norm", "Gradient norm"},
    {"train/lr", "Learning rate"},
    {"train/tokens_per_s", "Tokens per second"},
};
// Straight lines: they are axes, not results.
bool IsCumulative(const std::string& name) {
  return name == "train/tokens" || name == "train/flops";
}

std::vector<std::string> MetricsInOrder(const ReportInput& input) {
  std::set<std::string> there;
  for (const auto& of_run : input.curves) {
    for (const auto& [name, series] : of_run) {
      if (!IsCumulative(name)) there.insert(name);
    }
  }
  std::vector<std::string> names;
  const auto take = [&](const std::string& name) {
    if (there.erase(name) > 0) names.push_back(name);
  };
  take(input.comparison.metric);
  for (const KnownMetric& known : kKnown) take(std::string(known.name));
  names.insert(names.end(), there.begin(), there.end());
  return names;
}

std::string Caption(const std::string& metric, bool log) {
  const std::string scale = log ? ", logarithmic" : "";
  for (const KnownMetric& known : kKnown) {
    if (known.name == metric)
      return StrCat(Escaped(known.caption), " ", Element("small", Escaped(metric) + scale));
  }
  return StrCat(Escaped(metric), Element("small", scale));
}

// One series for each setting: the mean over its runs with their range, or the run alone.
std::vector<ChartSeries> SeriesOf(const ReportInput& input, const std::string& metric) {
  std::vector<ChartSeries> series;
  for (size_t s = 0; s < input.comparison.settings.size(); ++s) {
    const SettingResult& result = input.comparison.settings[s];
    std::vector<analysis::Curve> curves;
    std::string alone;
    for (const size_t r : result.setting.runs) {
      const auto found = input.curves[r].find(metric);
      if (found == input.curves[r].end()) continue;
      curves.push_back(analysis::MakeCurve(input.details[r].run(), found->second,
                                           analysis::XAxis::kStep, nullptr));
      alone = input.details[r].run().name();
    }
    if (curves.empty()) continue;
    ChartSeries& one = series.emplace_back();
    one.color = s;
    if (curves.size() == 1) {
      one.label = input.comparison.columns.empty() ? alone : result.setting.label;
      one.points = std::move(curves.front());
      continue;
    }
    one.label = result.setting.label;
    one.band = analysis::MeanBand(curves);
    for (const analysis::BandPoint& point : one.band)
      one.points.push_back({point.x, point.mean, point.step});
  }
  return series;
}

// Losses that fall by much, and gradient norms, are read on a logarithmic axis.
bool SpansDecades(const std::vector<ChartSeries>& series) {
  double low = HUGE_VAL, high = 0;
  for (const ChartSeries& one : series) {
    for (const analysis::CurvePoint& point : one.points) {
      if (!std::isfinite(point.y)) continue;
      if (point.y <= 0) return false;
      low = std::min(low, point.y);
      high = std::max(high, point.y);
    }
  }
  return high > 30 * low;
}

std::string StatusCss(v1::RunStatus status) {
  return status == v1::RUN_STATUS_SUCCEEDED || status == v1::RUN_STATUS_RUNNING ||
                 status == v1::RUN_STATUS_QUEUED
             ? ""
             : "failed";
}

std::string List(const std::vector<std::string>& notes) {
  std::string items;
  for (const std::string& note : notes) StrAppend(items, Element("li", Escaped(note)), "\n");
  return items.empty() ? "" : Element("ul", "class=\"notes\"", "\n" + items) + "\n";
}

}  // namespace

std::string ComparisonSection(const ReportInput& input) {
  const Comparison& comparison = input.comparison;
  std::vector<std::string> titles;
  for (const analysis::Differing& column : comparison.columns) titles.push_back(column.title);
  if (titles.empty()) titles.push_back("setting");
  titles.insert(titles.end(), {"seeds", "reused", "parameters", "FLOPs", comparison.metric,
                               "vs baseline", "p", "tokens/s", "time"});
  HtmlTable table(titles);
  const std::vector<SettingText> texts = SettingTexts(comparison, input.details);
  for (size_t s = 0; s < texts.size(); ++s) {
    const SettingText& text = texts[s];
    std::vector<HtmlCell> cells;
    for (const analysis::FlatField& value : comparison.settings[s].setting.values) {
      cells.push_back(value.is_text ? TextOf(value.shown) : NumberOf(value.shown));
      if (value.shown.size() > 40) cells.back().css = "wrap";
    }
    if (cells.empty()) cells.push_back(TextOf(comparison.settings[s].setting.label));
    HtmlCell metric = NumberOf(text.metric);
    if (comparison.best == s) metric.css = "best";
    cells.insert(cells.end(), {NumberOf(text.seeds), NumberOf(text.reused),
                               NumberOf(text.parameters), NumberOf(text.flops), metric,
                               NumberOf(comparison.baseline == s ? "baseline" : text.difference),
                               NumberOf(text.p), NumberOf(text.speed), NumberOf(text.time)});
    table.Add(std::move(cells));
  }
  std::vector<std::string> notes;
  if (comparison.pick != analysis::Pick::kLast)
    notes.push_back(StrCat("each run counts with its ", analysis::PickName(comparison.pick), " ",
                           comparison.metric));
  notes.insert(notes.end(), comparison.notes.begin(), comparison.notes.end());
  for (const SettingResult& result : comparison.settings) {
    for (const analysis::RunValue& one : result.runs) {
      if (!one.counted)
        notes.push_back(
            StrCat("not counted: ", input.details[one.run].run().name(), ": ", one.reason));
    }
  }
  return StrCat(Heading("Comparison"), "\n", table.Render(), List(notes));
}

std::string CurvesSection(const ReportInput& input) {
  std::string figures, legend;
  size_t legend_size = 0;
  for (const std::string& metric : MetricsInOrder(input)) {
    const std::vector<ChartSeries> series = SeriesOf(input, metric);
    ChartOptions options;
    options.x_label = "step";
    options.name = metric;
    const bool wide = metric == input.comparison.metric;
    options.width = wide ? 1040 : 510;
    options.height = wide ? 360 : 260;
    options.log_y = SpansDecades(series);
    const std::string chart = SvgChart(series, options);
    if (chart.empty()) continue;
    if (series.size() > legend_size) {
      legend_size = series.size();
      legend = ChartLegend(series);
    }
    StrAppend(figures,
              Element("figure", wide ? "class=\"wide\"" : "",
                      StrCat(Element("figcaption", Caption(metric, options.log_y)), "\n", chart)),
              "\n");
  }
  if (figures.empty()) return "";
  const bool bands =
      std::any_of(input.comparison.settings.begin(), input.comparison.settings.end(),
                  [](const SettingResult& result) { return result.setting.runs.size() > 1; });
  return StrCat(Heading("Curves"), "\n", legend,
                bands ? Element("p", "class=\"notes\"",
                                "Lines are means over a setting's runs, shades reach from the "
                                "smallest to the largest; × marks what is not a finite number.")
                      : "",
                "\n", Element("div", "class=\"charts\"", "\n" + figures), "\n");
}

std::string RunsSection(const ReportInput& input) {
  const Comparison& comparison = input.comparison;
  std::vector<std::string> titles = {"run", "status"};
  for (const analysis::Differing& column : comparison.columns) titles.push_back(column.title);
  titles.insert(titles.end(), {"seed", "step", comparison.metric + " last", "min", "max",
                               "not finite", "tokens/s", "time", "reused"});
  HtmlTable table(titles);
  for (size_t r = 0; r < input.details.size(); ++r) {
    const v1::Run& run = input.details[r].run();
    const auto value = [&](analysis::Pick pick) {
      const auto number = analysis::PickedValue(run, comparison.metric, pick);
      return NumberOf(number ? cli::Fixed(*number, 4) : "");
    };
    std::vector<HtmlCell> cells = {
        TextOf(run.name()), {Escaped(spec::Name(run.status())), false, StatusCss(run.status())}};
    for (const analysis::Differing& column : comparison.columns) {
      const analysis::FlatField& field = column.of_run[r];
      cells.push_back(field.is_text ? TextOf(field.shown) : NumberOf(field.shown));
    }
    const auto metric = run.metrics().find(comparison.metric);
    const int64_t lost = metric == run.metrics().end() ? 0 : metric->second.not_finite();
    const auto speed = analysis::TokensPerSecond(run);
    const auto time = analysis::ComputeSeconds(run);
    cells.insert(cells.end(), {NumberOf(StrCat(input.details[r].spec().seed())),
                               NumberOf(StrCat(run.step(), "/", run.total_steps())),
                               value(analysis::Pick::kLast), value(analysis::Pick::kMin),
                               value(analysis::Pick::kMax), NumberOf(lost > 0 ? StrCat(lost) : ""),
                               NumberOf(speed ? cli::HumanCount(*speed) : ""),
                               NumberOf(time ? cli::HumanDuration(absl::Seconds(*time)) : ""),
                               TextOf(run.reused() ? "yes" : "")});
    table.Add(std::move(cells));
  }
  return StrCat(Heading("Runs"), "\n", table.Render());
}

}  // namespace shoal::report
