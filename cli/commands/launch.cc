// shoal launch, shoal sweep, shoal fields: asking for runs.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/files_check.h"
#include "cli/lab/follow.h"
#include "cli/lab/submit.h"
#include "cli/output/format.h"
#include "cli/output/runs_table.h"
#include "core/base/status.h"
#include "core/spec/field_help.h"

namespace shoal::cli {
namespace {

struct SubmitOptions {
  std::string recipe;
  std::vector<std::string> sets;
  std::vector<std::string> varies;
  std::string name;
  bool follow = false;
  bool dry_run = false;
};

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

absl::StatusOr<std::vector<PlannedRun>> Plan(const Globals& globals,
                                             std::vector<spec::Trial> trials, bool dry_run) {
  std::vector<PlannedRun> planned;
  const bool quiet = globals.quiet || globals.json;
  for (spec::Trial& trial : trials) {
    SHOAL_ASSIGN_OR_RETURN(PlannedRun run,
                           PlanRun(std::move(trial), globals.lab.data_dir, quiet, dry_run));
    planned.push_back(std::move(run));
  }
  TellNotes(globals, planned);
  return planned;
}

void PrintDryRun(const Globals& globals, const std::vector<PlannedRun>& planned, bool sweep) {
  if (!globals.json) {
    for (const PlannedRun& run : planned) std::printf("%s\n", DryRunText(run).c_str());
    return;
  }
  std::string runs;
  for (const PlannedRun& run : planned) StrAppend(runs, runs.empty() ? "" : ",", DryRunJson(run));
  if (sweep) {
    JsonReply().AddRaw("runs", StrCat("[", runs, "]")).Print();
    return;
  }
  // A single run's members stand at the top, where scripts look for them.
  std::printf("{\"schema\":1,%s\n", runs.substr(1).c_str());
}

// Follows to the end, prints the outcome, decides the exit code.
absl::Status FollowAndReport(Globals& globals, const std::vector<std::string>& targets, bool sweep,
                             const std::string& attach) {
  const FollowMode mode =
      globals.json || globals.quiet ? FollowMode::kSilent : FollowMode::kProgress;
  SHOAL_ASSIGN_OR_RETURN(const FollowResult result,
                         Follow(globals.lab, targets, mode, globals.terminal));
  if (result.detached) {
    std::fprintf(stderr,
                 "\ndetached; the work goes on. `%s` attaches again, `shoal cancel %s` stops it\n",
                 attach.c_str(), targets.front().c_str());
    return absl::OkStatus();
  }
  for (const v1::Run& run : result.runs) {
    if (run.status() != v1::RUN_STATUS_SUCCEEDED) globals.exit_code = kJobFailed;
  }
  if (globals.json) {
    if (sweep) {
      JsonReply().AddText("sweep_id", targets.front()).AddList("runs", result.runs).Print();
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

absl::Status LaunchOne(Globals& globals, const SubmitOptions& options, spec::SpecFile file) {
  if (!options.name.empty()) file.run.set_name(options.name);
  spec::Trial trial;
  trial.spec = file.run;
  spec::FillDefaults(trial.spec);
  SHOAL_RETURN_IF_ERROR(CheckFiles(trial.spec, &file.positions));
  SHOAL_RETURN_IF_ERROR(spec::Validate(trial.spec, &file.positions));
  trial.name = trial.spec.name();
  std::vector<spec::Trial> trials;
  trials.push_back(std::move(trial));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<PlannedRun> planned,
                         Plan(globals, std::move(trials), options.dry_run));
  if (options.dry_run) {
    PrintDryRun(globals, planned, false);
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const v1::Run run, SubmitRun(lab, planned.front(), globals.command_line));
  if (!globals.json && !globals.quiet) {
    std::printf("launched %s  (%s, %s parameters)\n", run.name().c_str(), run.run_id().c_str(),
                WithCommas(run.parameters()).c_str());
  }
  if (options.follow)
    return FollowAndReport(globals, {run.run_id()}, false, StrCat("shoal watch ", run.name()));
  if (globals.json) {
    JsonReply().Add("run", run).Print();
  } else if (globals.quiet) {
    std::printf("%s\n", run.run_id().c_str());
  } else {
    std::printf("`shoal watch %s` follows it\n", run.name().c_str());
  }
  return absl::OkStatus();
}

absl::Status LaunchSweep(Globals& globals, const SubmitOptions& options, spec::SpecFile file) {
  v1::SweepSpec sweep = file.is_sweep ? file.sweep : v1::SweepSpec();
  if (!file.is_sweep) {
    *sweep.mutable_base() = file.run;
    sweep.set_name(file.run.has_name() ? file.run.name() : "sweep");
  }
  if (!options.name.empty()) sweep.set_name(options.name);
  for (const std::string& vary : options.varies)
    SHOAL_RETURN_IF_ERROR(spec::ApplyVary(sweep, vary, &file.positions));
  if (sweep.space().empty() && sweep.variants().empty()) {
    return absl::InvalidArgumentError(
        "a sweep needs something to vary: --vary model.n_layers=1,2,4, or `space:` in the recipe");
  }
  SHOAL_RETURN_IF_ERROR(CheckFiles(sweep.base(), &file.positions));
  SHOAL_ASSIGN_OR_RETURN(std::vector<spec::Trial> trials,
                         spec::ExpandSweep(sweep, &file.positions));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<PlannedRun> planned,
                         Plan(globals, std::move(trials), options.dry_run));
  if (options.dry_run) {
    PrintDryRun(globals, planned, true);
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const auto response,
                         SubmitSweep(lab, sweep, planned, globals.command_line));
  const v1::Sweep& created = response.sweep();
  if (!globals.json && !globals.quiet) {
    std::printf("launched sweep %s  (%s, %d runs)\n", created.name().c_str(),
                created.sweep_id().c_str(), created.run_count());
  }
  if (options.follow) {
    return FollowAndReport(globals, {created.sweep_id()}, true,
                           StrCat("shoal watch ", created.sweep_id()));
  }
  if (globals.json) {
    JsonReply().Add("sweep", created).AddList("runs", response.runs()).Print();
  } else if (globals.quiet) {
    std::printf("%s\n", created.sweep_id().c_str());
  } else {
    std::printf("`shoal watch %s` follows it\n", created.sweep_id().c_str());
  }
  return absl::OkStatus();
}

void AddSubmitOptions(CLI::App& command, SubmitOptions& options) {
  command
      .add_option("recipe", options.recipe,
                  "A YAML file, or the name of a recipe that ships with shoal")
      ->required();
  command
      .add_option("--set", options.sets,
                  "PATH=VALUE: set a field, e.g. model.n_layers=4 (`shoal fields` lists them)")
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--name", options.name, "Name of the run or sweep, instead of the recipe's");
  command.add_flag("--follow,-f", options.follow, "Show progress to the end; Ctrl-C detaches");
  command.add_flag("--dry-run", options.dry_run,
                   "Print the complete spec and what it will cost; submit nothing");
}

}  // namespace

void AddLaunch(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<SubmitOptions>();
  CLI::App* command = AddCommand(
      app, globals, "launch", "Train a model from a recipe",
      "shoal launch tiny --set model.n_layers=4 --follow", [&globals, options]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(spec::SpecFile file, ReadRecipe(options->recipe, options->sets));
        if (file.is_sweep) return LaunchSweep(globals, *options, std::move(file));
        return LaunchOne(globals, *options, std::move(file));
      });
  AddSubmitOptions(*command, *options);
}

void AddSweep(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<SubmitOptions>();
  CLI::App* command = AddCommand(
      app, globals, "sweep", "Train a grid of models from a recipe",
      "shoal sweep tiny --vary model.n_layers=1,2,4 --vary seed=1,2 --follow",
      [&globals, options]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(spec::SpecFile file, ReadRecipe(options->recipe, options->sets));
        return LaunchSweep(globals, *options, std::move(file));
      });
  AddSubmitOptions(*command, *options);
  command->add_option("--vary", options->varies, "PATH=A,B,C: a dimension of the grid")
      ->take_all()
      ->allow_extra_args(false);
}

void AddFields(CLI::App& app, Globals& globals) {
  const auto path = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      app, globals, "fields", "List the fields of a spec, or explain one",
      "shoal fields train.optimizer.lr", [&globals, path]() -> absl::Status {
        std::vector<spec::FieldHelp> fields;
        if (path->empty()) {
          fields = spec::ListFields();
        } else {
          SHOAL_ASSIGN_OR_RETURN(spec::FieldHelp field, spec::DescribeField(*path));
          fields.push_back(std::move(field));
        }
        if (!globals.json) {
          for (const spec::FieldHelp& field : fields)
            std::printf("%s\n", spec::FormatFieldHelp(field).c_str());
          return absl::OkStatus();
        }
        std::string list = "[";
        for (const spec::FieldHelp& field : fields) {
          StrAppend(list, list.size() > 1 ? "," : "", "{\"path\":", JsonReply::Quote(field.path),
                    ",\"type\":", JsonReply::Quote(field.type),
                    ",\"default\":", JsonReply::Quote(field.default_value),
                    ",\"range\":", JsonReply::Quote(field.range),
                    ",\"unit\":", JsonReply::Quote(field.unit),
                    ",\"help\":", JsonReply::Quote(field.help),
                    ",\"identity\":", field.identity ? "true" : "false", "}");
        }
        JsonReply().AddRaw("fields", list + "]").Print();
        return absl::OkStatus();
      });
  command->add_option("path", *path, "A field, e.g. train.batch.size");
}

}  // namespace shoal::cli
