// shoal plot: curves in the terminal, and out of the lab whole.

#include <cstdio>

#include "cli/analysis/curves.h"
#include "cli/analysis/grouping.h"
#include "cli/commands/command.h"
#include "cli/commands/export.h"
#include "cli/lab/curves.h"
#include "cli/lab/resolve.h"
#include "cli/output/plot.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

struct PlotCommand {
  std::vector<std::string> targets;
  std::vector<std::string> metrics;  // empty: train/loss; to export: all
  std::string x = "step";
  std::vector<std::string> by;
  bool band = false;
  double smooth = 0;
  bool log_x = false;
  bool log_y = false;
  int rows = 16;
  bool all_attempts = false;
  ExportOptions export_to;
};

// One run's curves, by name.
using CurvesOfRun = std::map<std::string, v1::SeriesPoints>;

absl::StatusOr<std::vector<CurvesOfRun>> ReadAll(Lab& lab,
                                                 const std::vector<v1::RunDetail>& details,
                                                 std::vector<std::string> names) {
  std::vector<CurvesOfRun> all;
  for (const v1::RunDetail& detail : details) {
    SHOAL_ASSIGN_OR_RETURN(std::vector<v1::SeriesPoints> curves,
                           ReadCurves(lab, detail.run().run_id(), names));
    CurvesOfRun& of_run = all.emplace_back();
    for (v1::SeriesPoints& curve : curves) of_run[curve.series()] = std::move(curve);
  }
  return all;
}

// The metrics that the runs have, for an error message.
std::string KnownMetrics(const std::vector<v1::RunDetail>& details) {
  std::set<std::string> names;
  for (const v1::RunDetail& detail : details) {
    for (const auto& [name, summary] : detail.run().metrics()) names.insert(name);
  }
  return names.empty() ? "none yet" : StrJoin(names, ", ");
}

// Metrics of one unit share a picture: train/loss and held_out/loss, but not train/lr.
std::vector<std::vector<std::string>> Panels(const std::vector<std::string>& metrics) {
  std::vector<std::vector<std::string>> panels;
  const auto unit = [](const std::string& name) { return name.substr(name.find_last_of('/') + 1); };
  for (const std::string& metric : metrics) {
    const auto same = std::find_if(panels.begin(), panels.end(), [&](const auto& panel) {
      return unit(panel.front()) == unit(metric);
    });
    if (same == panels.end()) {
      panels.push_back({metric});
    } else {
      same->push_back(metric);
    }
  }
  return panels;
}

class Plotter {
 public:
  Plotter(const Globals& globals, const PlotCommand& options, analysis::XAxis axis,
          const std::vector<v1::RunDetail>& details, const std::vector<CurvesOfRun>& curves)
      : globals_(globals), options_(options), axis_(axis), details_(details), curves_(curves) {}

  // A series for each run and metric of the panel that has points.
  std::vector<PlotSeries> OfRuns(const std::vector<std::string>& panel) const {
    std::vector<PlotSeries> series;
    for (size_t r = 0; r < details_.size(); ++r) {
      for (const std::string& metric : panel) {
        const analysis::Curve curve = CurveOf(r, metric);
        if (curve.empty()) continue;
        PlotSeries& one = series.emplace_back();
        one.label =
            StrCat(Printable(details_[r].run().name(), false), "  ", metric, " ", curve.back().y);
        for (const analysis::CurvePoint& point : curve) one.points.emplace_back(point.x, point.y);
      }
    }
    return series;
  }

  // A series for each setting and metric: the mean over its runs, and their range.
  std::vector<PlotSeries> OfSettings(const std::vector<std::string>& panel,
                                     const analysis::Grouping& grouping) const {
    std::vector<PlotSeries> series;
    for (const analysis::Setting& setting : grouping.settings) {
      for (const std::string& metric : panel) {
        std::vector<analysis::Curve> curves;
        for (const size_t r : setting.runs) {
          curves.push_back(CurveOf(r, metric));
          if (curves.back().empty()) curves.pop_back();
        }
        if (curves.empty()) continue;
        PlotSeries& one = series.emplace_back();
        for (const analysis::BandPoint& point : analysis::MeanBand(curves)) {
          one.points.emplace_back(point.x, point.mean);
          if (point.runs > 0) one.band.push_back({point.x, point.low, point.high});
        }
        one.label =
            StrCat(Printable(setting.label, false), "  ", metric, " ", one.points.back().second,
                   ", ", curves.size(), curves.size() == 1 ? " run" : " runs");
      }
    }
    return series;
  }

  void Draw(const std::vector<std::string>& panel, const std::vector<PlotSeries>& series) const {
    PlotOptions plot;
    plot.columns = std::min(globals_.terminal.columns, 120);
    plot.rows = options_.rows;
    plot.log_x = options_.log_x;
    plot.log_y = options_.log_y;
    plot.x_label = analysis::XAxisLabel(axis_);
    plot.y_label = StrJoin(panel, ", ");
    if (options_.band) plot.y_label += ": mean, dotted: smallest to largest run";
    if (options_.smooth > 0) StrAppend(plot.y_label, ", smoothed ", options_.smooth);
    std::printf("%s", RenderPlot(globals_.terminal, series, plot).c_str());
  }

 private:
  analysis::Curve CurveOf(size_t r, const std::string& metric) const {
    const auto find = [&](const std::string& name) {
      const auto it = curves_[r].find(name);
      return it == curves_[r].end() ? nullptr : &it->second;
    };
    const v1::SeriesPoints* series = find(metric);
    if (series == nullptr) return {};
    return analysis::Smoothed(
        analysis::MakeCurve(details_[r].run(), *series, axis_, find(analysis::XAxisSeries(axis_))),
        options_.smooth);
  }

  const Globals& globals_;
  const PlotCommand& options_;
  const analysis::XAxis axis_;
  const std::vector<v1::RunDetail>& details_;
  const std::vector<CurvesOfRun>& curves_;
};

void PrintJson(const std::vector<v1::RunDetail>& details, const std::vector<std::string>& metrics,
               const std::vector<CurvesOfRun>& curves) {
  std::string json = "[";
  for (size_t r = 0; r < details.size(); ++r) {
    for (const std::string& metric : metrics) {
      v1::SeriesPoints series;
      series.set_series(metric);
      if (const auto it = curves[r].find(metric); it != curves[r].end()) series = it->second;
      StrAppend(json, json.size() > 1 ? "," : "",
                "{\"run\":", JsonReply::Quote(details[r].run().name()),
                ",\"series\":", JsonReply::ToJson(series), "}");
    }
  }
  JsonReply().AddRaw("curves", json + "]").Print();
}

absl::Status Draw(const Globals& globals, const PlotCommand& options, Lab& lab,
                  const std::vector<v1::RunDetail>& details) {
  const std::vector<std::string> metrics =
      options.metrics.empty() ? std::vector<std::string>{"train/loss"} : options.metrics;
  const analysis::XAxis axis = *analysis::ParseXAxis(options.x);
  std::vector<std::string> names = metrics;
  if (const std::string cumulative = analysis::XAxisSeries(axis); !cumulative.empty())
    names.push_back(cumulative);
  SHOAL_ASSIGN_OR_RETURN(const std::vector<CurvesOfRun> curves, ReadAll(lab, details, names));
  if (globals.json) {
    PrintJson(details, metrics, curves);
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(const analysis::Grouping grouping,
                         analysis::GroupRuns(details, options.by));
  const Plotter plotter(globals, options, axis, details, curves);
  bool first = true;
  for (const std::vector<std::string>& panel : Panels(metrics)) {
    const std::vector<PlotSeries> series =
        options.band ? plotter.OfSettings(panel, grouping) : plotter.OfRuns(panel);
    if (series.empty()) {
      return absl::NotFoundError(
          StrCat("no points of '", StrJoin(panel, "', '"), "'",
                 axis == analysis::XAxis::kStep ? "" : StrCat(" against ", options.x),
                 "; these runs have: ", KnownMetrics(details)));
    }
    if (!first) std::printf("\n");
    first = false;
    plotter.Draw(panel, series);
  }
  return absl::OkStatus();
}

// Every point as it was recorded, as it arrives: memory does not depend on how many there are.
absl::Status ExportPoints(const PlotCommand& options, Lab& lab,
                          const std::vector<v1::RunDetail>& details) {
  SHOAL_ASSIGN_OR_RETURN(const RecordFormat format, ParseRecordFormat(options.export_to.format));
  SHOAL_ASSIGN_OR_RETURN(OutputFile out, OutputFile::Open(options.export_to.out));
  const RecordLines lines(
      format, {"run", "run_id", "metric", "step", "value", "recorded_at", "attempt", "superseded"});
  SHOAL_RETURN_IF_ERROR(out.Write(lines.Header()));
  for (const v1::RunDetail& detail : details) {
    const v1::Run& run = detail.run();
    const auto write = [&](const v1::SeriesPoints& piece) -> absl::Status {
      for (const v1::MetricPoint& point : piece.points()) {
        SHOAL_RETURN_IF_ERROR(
            out.Write(lines.Line({run.name(), run.run_id(), piece.series(), point.step(),
                                  point.value(), report::TimeCell(point.wall_time_us()),
                                  int64_t{piece.attempt_number()}, piece.superseded()})));
      }
      return absl::OkStatus();
    };
    SHOAL_RETURN_IF_ERROR(
        ForEachPiece(lab, run.run_id(), options.metrics, options.all_attempts, write));
  }
  return out.Finish();
}

absl::Status Plot(const Globals& globals, const PlotCommand& options) {
  SHOAL_RETURN_IF_ERROR(CheckExport(globals, options.export_to));
  if (options.all_attempts && !options.export_to.wanted())
    return absl::InvalidArgumentError("--all-attempts goes with --export");
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::RunDetail> details,
                         ResolveDetails(lab, options.targets));
  return options.export_to.wanted() ? ExportPoints(options, lab, details)
                                    : Draw(globals, options, lab, details);
}

}  // namespace

void AddPlot(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<PlotCommand>();
  CLI::App* command = AddCommand(app, globals,
                                 {"plot",
                                  "Draw curves of one or several runs, or write out every point",
                                  {"shoal plot size-7 -m held_out/loss --band --x tokens --log",
                                   "shoal plot quickstart --export csv --out points.csv"}},
                                 [&globals, options] { return Plot(globals, *options); });
  command->add_option("run", options->targets, StrCat(kTargetsHelp, "; default: last"));
  command
      ->add_option("--metric,-m", options->metrics,
                   "Which curves, with commas between (default: train/loss; to export: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--x", options->x, "What the curves are drawn against")
      ->check(CLI::IsMember({"step", "tokens", "flops", "time"}))
      ->capture_default_str();
  command->add_flag("--band", options->band,
                    "A curve for each setting: the mean over its seeds, and their range");
  command
      ->add_option("--by", options->by,
                   "With --band: what settings are grouped by, as in `shoal compare`")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--smooth", options->smooth,
                   "Moving average: 0.9 is over about ten points, 0 is none")
      ->check(CLI::Range(0.0, 0.9999))
      ->capture_default_str();
  command->add_flag("--log,--log-y", options->log_y, "Logarithmic values");
  command->add_flag("--log-x", options->log_x, "Logarithmic steps (tokens, FLOPs, time)");
  command->add_option("--rows", options->rows, "Height in lines")
      ->check(CLI::Range(4, 200))
      ->capture_default_str();
  AddExportOptions(*command, options->export_to,
                   "every point of the curves, bit for bit, never a sample");
  command->add_flag("--all-attempts", options->all_attempts,
                    "Export also points that a resume has replaced");
}

}  // namespace shoal::cli
