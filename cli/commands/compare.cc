// shoal compare: settings side by side, over their seeds.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/commands/export.h"
#include "cli/lab/resolve.h"
#include "cli/report/comparison_text.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

struct CompareCommand {
  std::vector<std::string> targets;
  analysis::CompareOptions compare;
  std::string pick = "last";
  ExportOptions export_to;
};

absl::Status RunCompare(const Globals& globals, CompareCommand& options) {
  SHOAL_RETURN_IF_ERROR(CheckExport(globals, options.export_to));
  for (const auto pick :
       {analysis::Pick::kLast, analysis::Pick::kMin, analysis::Pick::kMax, analysis::Pick::kBest}) {
    if (options.pick == analysis::PickName(pick)) options.compare.pick = pick;
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::RunDetail> details,
                         ResolveDetails(lab, options.targets));
  SHOAL_ASSIGN_OR_RETURN(const analysis::Comparison comparison,
                         analysis::Compare(details, options.compare));
  if (options.export_to.wanted())
    return WriteRecords(options.export_to, report::RunRecords(details, &comparison));
  if (globals.json) {
    std::printf("{\"schema\":1,%s}\n", report::ComparisonJson(comparison, details).c_str());
  } else {
    std::printf("%s", report::ComparisonText(globals.terminal, comparison, details).c_str());
  }
  return absl::OkStatus();
}

}  // namespace

void AddCompare(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<CompareCommand>();
  CLI::App* command = AddCommand(
      app, globals,
      {"compare",
       "Compare settings: what differs, the held-out loss over seeds, the difference to a baseline",
       {"shoal compare size-7 --by model.n_layers",
        "shoal compare size-7 --baseline model.n_layers=2 --pick min --export csv --out runs.csv"}},
      [&globals, options] { return RunCompare(globals, *options); });
  command->add_option("run", options->targets, StrCat(kTargetsHelp, "; default: last"));
  command
      ->add_option("--by", options->compare.by,
                   "Group by these fields only, e.g. model.n_layers,train.optimizer.lr (default: "
                   "all that differ but the seed)")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--baseline", options->compare.baseline,
                      "The setting to measure against: model.n_layers=2, or one of its runs "
                      "(default: the first)");
  command->add_option("--metric,-m", options->compare.metric,
                      "Which metric (default: held_out/loss; held_out/bits_per_byte where "
                      "tokenizers differ)");
  command
      ->add_option("--pick", options->pick,
                   "Which of a run's values counts: last, min, max, or best (min of a loss, max of "
                   "an accuracy)")
      ->check(CLI::IsMember({"last", "min", "max", "best"}))
      ->capture_default_str();
  command->add_option("--confidence", options->compare.confidence, "Of the intervals")
      ->check(CLI::Range(0.5, 0.9999))
      ->capture_default_str();
  command->add_option("--sort", options->compare.sort, "Order of the settings")
      ->check(CLI::IsMember({"setting", "metric", "parameters", "flops", "speed", "time"}))
      ->capture_default_str();
  AddExportOptions(*command, options->export_to,
                   "a record for each run, with its whole summary of every metric");
}

}  // namespace shoal::cli
