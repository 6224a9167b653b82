#include "cli/commands/submitting.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/lab/follow.h"
#include "cli/lab/misfit.h"
#include "cli/lab/reuse.h"
#include "cli/output/format.h"
#include "cli/output/runs_table.h"
#include "cli/output/table.h"
#include "core/base/status.h"
#include "core/spec/fingerprint.h"

namespace shoal::cli {
namespace {

constexpr size_t kMostReusedLines = 10;

bool Talks(const Globals& globals) { return !globals.json && !globals.quiet; }

void TellNotes(const Globals& globals, const std::vector<PlannedRun>& planned) {
  if (globals.quiet) return;
  std::vector<std::string> told;
  for (const PlannedRun& run : planned) {
    for (const std::string& note : run.data.notes) {
      if (std::find(told.begin(), told.end(), note) != told.end()) continue;
      told.push_back(note);
      std::fprintf(stderr, "note: %s\n", Printable(note, true).c_str());
    }
  }
}

// Follows to the end, prints the outcome, decides the exit code.
absl::Status FollowAndReport(Globals& globals, const std::string& target, bool sweep,
                             const std::string& shown) {
  const FollowMode mode = Talks(globals) ? FollowMode::kProgress : FollowMode::kSilent;
  SHOAL_ASSIGN_OR_RETURN(const FollowResult result,
                         Follow(globals.lab, {target}, mode, globals.terminal));
  if (result.detached) {
    std::fprintf(stderr,
                 "\ndetached; the work goes on. `shoal watch %s` attaches again, `shoal cancel %s` "
                 "stops it\n",
                 shown.c_str(), target.c_str());
    return absl::OkStatus();
  }
  for (const v1::Run& run : result.runs) {
    if (run.status() != v1::RUN_STATUS_SUCCEEDED) globals.exit_code = kJobFailed;
  }
  if (globals.json) {
    if (sweep) {
      JsonReply().AddText("sweep_id", target).AddList("runs", result.runs).Print();
    } else {
      JsonReply().Add("run", result.runs.front()).Print();
    }
    return absl::OkStatus();
  }
  if (!globals.quiet) std::printf("\n%s", ComparisonTable(globals.terminal, result.runs).c_str());
  for (const v1::Run& run : result.runs) {
    if (run.status() == v1::RUN_STATUS_FAILED) {
      std::fprintf(stderr, "%s failed: %s\n", run.name().c_str(),
                   Printable(run.status_reason(), true).c_str());
    }
  }
  return absl::OkStatus();
}

void PrintPlanTable(const Globals& globals, const std::vector<PlannedRun>& planned) {
  using A = Table::Align;
  Table table({{"RUN"},
               {"DIFFERS IN", A::kLeft, true},
               {"PARAMETERS", A::kRight},
               {"FLOPS", A::kRight},
               {"MEMORY", A::kRight},
               {"TIME", A::kRight},
               {"REUSES"}});
  double flops = 0, seconds = 0;
  size_t reused = 0;
  for (const PlannedRun& run : planned) {
    std::string differing;
    for (const std::string& one : run.trial.differing)
      StrAppend(differing, differing.empty() ? "" : " ", one);
    if (run.reuses.empty()) {
      flops += run.train_flops;
      seconds += run.seconds;
    } else {
      ++reused;
    }
    table.Add({run.trial.name, Printable(differing, false), WithCommas(run.parameters),
               HumanCount(run.train_flops), HumanBytes(run.memory_bytes),
               std::isnan(run.seconds) ? "" : HumanDuration(absl::Seconds(run.seconds)),
               Printable(run.reuses, false)});
  }
  std::printf("%s\n%zu runs, %sFLOPs of training", table.Render(globals.terminal).c_str(),
              planned.size(), HumanCount(flops).c_str());
  if (!std::isnan(seconds)) {
    std::printf("; about %s for one after the other on this machine",
                HumanDuration(absl::Seconds(seconds)).c_str());
  }
  std::printf("\n");
  if (reused > 0) {
    std::printf("%zu of them would be reused and cost nothing; --no-reuse trains them anew\n",
                reused);
  }
}

}  // namespace

void AddSubmitOptions(CLI::App& command, SubmitOptions& options) {
  command.add_flag("--follow,-f", options.follow, "Show progress to the end; Ctrl-C detaches");
  command.add_flag("--dry-run", options.dry_run,
                   "Print what would be trained and what it will cost; submit nothing");
  command.add_flag("--no-reuse", options.no_reuse,
                   "Train anew even what a finished run of the lab has trained already");
}

absl::StatusOr<std::vector<PlannedRun>> PlanAll(const Globals& globals,
                                                std::vector<spec::Trial> trials, bool dry_run) {
  std::vector<PlannedRun> planned;
  RunPlanner planner(globals.lab, globals.quiet || globals.json);
  for (spec::Trial& trial : trials) {
    SHOAL_ASSIGN_OR_RETURN(PlannedRun run, planner.Plan(std::move(trial)));
    planned.push_back(std::move(run));
  }
  if (dry_run) EstimateSeconds(planned, globals.lab.data_dir, !Talks(globals));
  TellNotes(globals, planned);
  return planned;
}

void TellReused(const Globals& globals, const SubmitOptions& options,
                std::vector<PlannedRun>& planned) {
  if (options.no_reuse) return;
  const absl::Status status = FindReused(globals.lab, planned);
  if (!status.ok() && !globals.quiet) {
    std::fprintf(stderr, "note: not known what would be reused: %s\n",
                 std::string(status.message()).c_str());
  }
}

void PrintSweepDryRun(const Globals& globals, const std::vector<PlannedRun>& planned) {
  if (!globals.json) return PrintPlanTable(globals, planned);
  std::string runs;
  for (const PlannedRun& run : planned) StrAppend(runs, runs.empty() ? "" : ",", DryRunJson(run));
  JsonReply().AddRaw("runs", StrCat("[", runs, "]")).Print();
}

std::string ReusedLine(const Globals& globals, const v1::Run& run) {
  return StrCat("reused ", Printable(run.name(), false), " (", StatusName(run.status()), " ",
                HumanAgo(ToTime(run.finished_at()), globals.clock().Now()),
                ", numerics: ", spec::NumericsName(run.numerics()), ")");
}

absl::Status FinishSweep(Globals& globals, const SubmitOptions& options,
                         const v1::SubmitSweepResponse& response, const std::string& what) {
  const v1::Sweep& sweep = response.sweep();
  const auto reused =
      static_cast<size_t>(std::count_if(response.runs().begin(), response.runs().end(),
                                        [](const v1::Run& run) { return run.reused(); }));
  if (Talks(globals)) {
    std::printf("%s\n", what.c_str());
    size_t told = 0;
    for (const v1::Run& run : response.runs()) {
      if (!run.reused() || ++told > kMostReusedLines) continue;
      std::printf("  %s\n", ReusedLine(globals, run).c_str());
    }
    if (told > kMostReusedLines) std::printf("  and %zu more\n", told - kMostReusedLines);
    if (reused > 0) {
      std::printf("  %zu of %d are reused: their requests are the same; --no-reuse trains anew\n",
                  reused, response.runs_size());
    }
  }
  if (!globals.quiet) TellMisfits(globals.lab, {response.runs().begin(), response.runs().end()});
  if (options.follow) return FollowAndReport(globals, sweep.sweep_id(), true, sweep.sweep_id());
  if (globals.json) {
    JsonReply().Add("sweep", sweep).AddList("runs", response.runs()).Print();
  } else if (globals.quiet) {
    std::printf("%s\n", sweep.sweep_id().c_str());
  } else if (reused < static_cast<size_t>(response.runs_size())) {
    std::printf("`shoal watch %s` follows it\n", Printable(sweep.name(), false).c_str());
  } else {
    std::printf("`shoal compare %s` compares its runs\n", Printable(sweep.name(), false).c_str());
  }
  return absl::OkStatus();
}

absl::Status FinishRun(Globals& globals, const SubmitOptions& options,
                       const v1::SubmitRunResponse& response) {
  const v1::Run& run = response.run();
  if (Talks(globals)) {
    if (response.reused()) {
      std::printf("%s; --no-reuse trains anew\n", ReusedLine(globals, run).c_str());
    } else {
      std::printf("launched %s  (%s, %s parameters)\n", run.name().c_str(), run.run_id().c_str(),
                  WithCommas(run.parameters()).c_str());
    }
  }
  if (!globals.quiet && !response.reused()) TellMisfits(globals.lab, {run});
  if (options.follow) return FollowAndReport(globals, run.run_id(), false, run.name());
  if (globals.json) {
    JsonReply().Add("run", run).AddRaw("reused", response.reused() ? "true" : "false").Print();
  } else if (globals.quiet) {
    std::printf("%s\n", run.run_id().c_str());
  } else {
    std::printf("`shoal %s %s` %s\n", response.reused() ? "show" : "watch", run.name().c_str(),
                response.reused() ? "shows it" : "follows it");
  }
  return absl::OkStatus();
}

}  // namespace shoal::cli
