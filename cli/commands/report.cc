// shoal report: one HTML page about some runs.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/curves.h"
#include "cli/lab/resolve.h"
#include "cli/output/output_file.h"
#include "cli/report/report_page.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

struct ReportCommand {
  std::vector<std::string> targets;
  std::string out = "report.html";
  std::string title;
  analysis::CompareOptions compare;
};

absl::Status MakeReport(const Globals& globals, const ReportCommand& options) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::Run> runs, ResolveRuns(lab, options.targets));
  report::ReportInput input;
  input.title = !options.title.empty()    ? options.title
                : options.targets.empty() ? runs.front().name()
                                          : StrJoin(options.targets, ", ");
  input.command = globals.command_line;
  for (const v1::Run& run : runs) {
    v1::GetRunRequest request;
    request.set_run(run.run_id());
    SHOAL_ASSIGN_OR_RETURN(v1::RunDetail detail,
                           Call(lab.service(), &v1::LabService::Stub::GetRun, request));
    *detail.mutable_run() = run;  // as the sweep sees it: reused, its place
    input.details.push_back(std::move(detail));
    SHOAL_ASSIGN_OR_RETURN(std::vector<v1::SeriesPoints> curves, ReadCurves(lab, run.run_id(), {}));
    auto& of_run = input.curves.emplace_back();
    for (v1::SeriesPoints& curve : curves) of_run[curve.series()] = std::move(curve);
  }
  SHOAL_ASSIGN_OR_RETURN(input.comparison, analysis::Compare(input.details, options.compare));
  const std::string page = report::ReportPage(input);
  SHOAL_ASSIGN_OR_RETURN(OutputFile out, OutputFile::Open(options.out));
  SHOAL_RETURN_IF_ERROR(out.Write(page));
  SHOAL_RETURN_IF_ERROR(out.Finish());
  if (options.out == "-") return absl::OkStatus();
  if (globals.json) {
    JsonReply()
        .AddText("file", options.out)
        .AddNumber("bytes", static_cast<double>(page.size()))
        .AddNumber("runs", static_cast<double>(runs.size()))
        .Print();
  } else if (!globals.quiet) {
    std::printf("%s: %zu %s, %zu KiB\n", options.out.c_str(), runs.size(),
                runs.size() == 1 ? "run" : "runs", (page.size() + 1023) / 1024);
  }
  return absl::OkStatus();
}

}  // namespace

void AddReport(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<ReportCommand>();
  CLI::App* command =
      AddCommand(app, globals,
                 {"report",
                  "Write one self-contained HTML page: comparison, curves, specs, data, answers",
                  {"shoal report size-7 --out size-7.html",
                   "shoal report tiny-L2 tiny-L4 --title \"Two depths\" --baseline tiny-L2"}},
                 [&globals, options] { return MakeReport(globals, *options); });
  command->add_option("run", options->targets, StrCat(kTargetsHelp, "; default: last"));
  command->add_option("--out,-o", options->out, "The page's file; - is stdout")
      ->capture_default_str();
  command->add_option("--title", options->title, "The page's heading (default: the targets)");
  command
      ->add_option("--by", options->compare.by, "Group by these fields only, as in `shoal compare`")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--baseline", options->compare.baseline, "As in `shoal compare`");
  command->add_option("--metric,-m", options->compare.metric, "As in `shoal compare`");
}

}  // namespace shoal::cli
