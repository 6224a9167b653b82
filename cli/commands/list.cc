// shoal list: runs, sweeps or workers, newest first.

#include <cstdio>
#include <limits>

#include "cli/commands/command.h"
#include "cli/commands/export.h"
#include "cli/commands/workers.h"
#include "cli/lab/resolve.h"
#include "cli/output/format.h"
#include "cli/output/runs_table.h"
#include "cli/output/table.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

absl::StatusOr<v1::RunStatus> ParseStatus(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  v1::RunStatus status;
  if (v1::RunStatus_Parse("RUN_STATUS_" + text, &status) && status != v1::RUN_STATUS_UNSPECIFIED)
    return status;
  return absl::InvalidArgumentError(
      StrCat("--status: '", text,
             "' is none of queued, running, succeeded, failed, cancelled, aborted, paused"));
}

absl::Status ListRuns(Globals& globals, Lab& lab, const std::string& sweep,
                      const std::vector<std::string>& statuses, int limit,
                      const ExportOptions& export_to) {
  v1::ListRunsRequest request;
  request.set_sweep(sweep);
  request.set_limit(export_to.wanted() ? std::numeric_limits<int32_t>::max() : limit);
  request.set_with_details(export_to.wanted());
  for (const std::string& text : statuses) {
    SHOAL_ASSIGN_OR_RETURN(const v1::RunStatus status, ParseStatus(text));
    request.add_statuses(status);
  }
  SHOAL_ASSIGN_OR_RETURN(auto response,
                         Call(lab.service(), &v1::LabService::Stub::ListRuns, request));
  if (export_to.wanted()) {
    const std::vector<v1::RunDetail> details = JoinDetails(std::move(response));
    return WriteRecords(export_to, report::RunRecords(details));
  }
  if (globals.json) {
    JsonReply().AddList("runs", response.runs()).AddNumber("total", response.total()).Print();
    return absl::OkStatus();
  }
  if (response.runs().empty()) {
    std::printf("no runs yet; `shoal launch tiny --follow` trains one\n");
    return absl::OkStatus();
  }
  const std::vector<v1::Run> runs(response.runs().begin(), response.runs().end());
  std::printf("%s", RunsTable(globals.terminal, runs, globals.clock().Now()).c_str());
  if (response.total() > response.runs_size()) {
    std::printf("%d more; --limit %d shows all\n", response.total() - response.runs_size(),
                response.total());
  }
  return absl::OkStatus();
}

absl::Status ListSweeps(Globals& globals, Lab& lab, int limit) {
  v1::ListSweepsRequest request;
  request.set_limit(limit);
  SHOAL_ASSIGN_OR_RETURN(const auto response,
                         Call(lab.service(), &v1::LabService::Stub::ListSweeps, request));
  if (globals.json) {
    JsonReply().AddList("sweeps", response.sweeps()).Print();
    return absl::OkStatus();
  }
  Table table({{"SWEEP"},
               {"ID"},
               {"RUNS", Table::Align::kRight},
               {"VARIES", Table::Align::kLeft, true},
               {"STATUS"},
               {"BY"},
               {"CREATED"}});
  for (const v1::Sweep& sweep : response.sweeps()) {
    std::string varied, states;
    for (const std::string& path : sweep.varied())
      StrAppend(varied, varied.empty() ? "" : " ", path);
    for (const auto& [state, count] : sweep.runs_by_status()) {
      StrAppend(states, states.empty() ? "" : ", ", count, " ", state);
    }
    table.Add({Printable(sweep.name(), false), sweep.sweep_id(), StrCat(sweep.run_count()), varied,
               states, Printable(sweep.submitted_by(), false),
               HumanAgo(ToTime(sweep.created_at()), globals.clock().Now())});
  }
  std::printf("%s",
              table.empty()
                  ? "no sweeps yet; `shoal sweep tiny --vary model.n_layers=1,2,4` starts one\n"
                  : table.Render(globals.terminal).c_str());
  return absl::OkStatus();
}

}  // namespace

void AddList(CLI::App& app, Globals& globals) {
  struct Options {
    std::string what = "runs";
    std::string sweep;
    std::vector<std::string> statuses;
    int limit = 50;
    ExportOptions export_to;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(app, globals,
                                 {"list",
                                  "List runs, sweeps or workers, newest first",
                                  {"shoal list --status running", "shoal list sweeps",
                                   "shoal list --sweep size-7 --export csv --out size-7.csv"}},
                                 [&globals, options]() -> absl::Status {
                                   SHOAL_RETURN_IF_ERROR(CheckExport(globals, options->export_to));
                                   if (options->export_to.wanted() && options->what != "runs")
                                     return absl::InvalidArgumentError(
                                         "--export is of runs; sweeps and workers "
                                         "come with --json");
                                   SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
                                   if (options->what == "sweeps")
                                     return ListSweeps(globals, lab, options->limit);
                                   if (options->what == "workers") return PrintWorkers(globals);
                                   return ListRuns(globals, lab, options->sweep, options->statuses,
                                                   options->limit, options->export_to);
                                 });
  command
      ->add_option("what", options->what,
                   "runs, sweeps or workers. TOK/S of a run that goes on is its present speed, of "
                   "one that has ended the mean over its training steps")
      ->check(CLI::IsMember({"runs", "sweeps", "workers"}))
      ->capture_default_str();
  command->add_option("--sweep", options->sweep, "Only runs of this sweep (id or name)");
  command->add_option("--status", options->statuses, "Only runs in these states, e.g. running")
      ->delimiter(',');
  command->add_option("--limit", options->limit, "At most this many")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  AddExportOptions(*command, options->export_to,
                   "every run, whatever the limit, with all fields in which specs differ and the "
                   "whole summary of every metric");
}

}  // namespace shoal::cli
