// shoal plot: curves in the terminal.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/curves.h"
#include "cli/lab/resolve.h"
#include "cli/output/plot.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

struct PlotCommand {
  std::vector<std::string> targets;
  std::string metric = "train/loss";
  bool log_x = false;
  bool log_y = false;
  int rows = 16;
};

absl::StatusOr<v1::SeriesPoints> GetSeries(Lab& lab, const v1::Run& run,
                                           const std::string& metric) {
  SHOAL_ASSIGN_OR_RETURN(std::vector<v1::SeriesPoints> curves,
                         ReadCurves(lab, run.run_id(), {metric}));
  if (!curves.empty()) return std::move(curves.front());
  v1::SeriesPoints none;
  none.set_series(metric);
  return none;
}

// The metrics that the runs have, for an error message.
std::string KnownMetrics(const std::vector<v1::Run>& runs) {
  std::set<std::string> names;
  for (const v1::Run& run : runs) {
    for (const auto& [name, summary] : run.metrics()) names.insert(name);
  }
  std::string out;
  for (const std::string& name : names) StrAppend(out, out.empty() ? "" : ", ", name);
  return out.empty() ? "none yet" : out;
}

absl::Status Plot(const Globals& globals, const PlotCommand& options) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::Run> runs, ResolveRuns(lab, options.targets));
  std::vector<PlotSeries> curves;
  JsonReply reply;
  std::string json = "[";
  size_t points = 0;
  for (const v1::Run& run : runs) {
    SHOAL_ASSIGN_OR_RETURN(const v1::SeriesPoints series, GetSeries(lab, run, options.metric));
    PlotSeries curve;
    curve.label = Printable(run.name(), false);
    for (const v1::MetricPoint& point : series.points()) {
      curve.points.emplace_back(static_cast<double>(point.step()), point.value());
    }
    points += curve.points.size();
    if (!curve.points.empty())
      StrAppend(curve.label, "  ", options.metric, " ", StrCat(curve.points.back().second));
    curves.push_back(std::move(curve));
    StrAppend(json, json.size() > 1 ? "," : "", "{\"run\":", JsonReply::Quote(run.name()),
              ",\"series\":", JsonReply::ToJson(series), "}");
  }
  if (globals.json) {
    reply.AddRaw("curves", json + "]").Print();
    return absl::OkStatus();
  }
  if (points == 0) {
    return absl::NotFoundError(
        StrCat("no points of '", options.metric, "'; these runs have: ", KnownMetrics(runs)));
  }
  PlotOptions plot;
  plot.columns = std::min(globals.terminal.columns, 120);
  plot.rows = options.rows;
  plot.log_x = options.log_x;
  plot.log_y = options.log_y;
  plot.x_label = "step";
  plot.y_label = options.metric;
  std::printf("%s", RenderPlot(globals.terminal, curves, plot).c_str());
  return absl::OkStatus();
}

}  // namespace

void AddPlot(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<PlotCommand>();
  CLI::App* command = AddCommand(app, globals, "plot", "Draw a curve of one or several runs",
                                 "shoal plot quickstart --metric held_out/loss",
                                 [&globals, options] { return Plot(globals, *options); });
  command->add_option("run", options->targets, StrCat(kTargetsHelp, "; default: last"));
  command->add_option("--metric,-m", options->metric, "Which curve")->capture_default_str();
  command->add_flag("--log-x", options->log_x, "Logarithmic steps");
  command->add_flag("--log-y", options->log_y, "Logarithmic values");
  command->add_option("--rows", options->rows, "Height in lines")
      ->check(CLI::Range(4, 200))
      ->capture_default_str();
}

}  // namespace shoal::cli
