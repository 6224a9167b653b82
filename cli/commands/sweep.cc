// shoal sweep: many runs that differ in what is asked about.

#include "cli/commands/sweep.h"

#include "cli/commands/command.h"
#include "cli/lab/files_check.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

struct SweepOptions {
  std::string recipe;
  std::vector<std::string> sets;
  std::vector<std::string> varies;
  std::string name;
  std::string strategy;
  int repeats = 0;  // 0: not given
  int trials = 0;
  std::string seed;  // of the draws; empty: not given
  SubmitOptions submit;
};

// The recipe's sweep, or its run as the base of one.
void MakeSweep(spec::SpecFile& file) {
  if (file.is_sweep) return;
  file.is_sweep = true;
  *file.sweep.mutable_base() = file.run;
  file.sweep.set_name(file.run.has_name() ? file.run.name() : "sweep");
  spec::Positions positions;
  for (auto& [path, where] : file.positions) positions[StrCat("base.", path)] = where;
  file.positions = std::move(positions);
}

// The options that are fields of the sweep, checked like fields of a file.
absl::Status ApplyOptions(const SweepOptions& options, spec::SpecFile& file) {
  v1::SweepSpec& sweep = file.sweep;
  if (!options.name.empty()) {
    sweep.set_name(options.name);
    file.positions["name"] = "--name";
  }
  std::string problems;
  const auto collect = [&](const absl::Status& status) {
    if (!status.ok()) StrAppend(problems, problems.empty() ? "" : "\n", status.message());
  };
  for (const std::string& vary : options.varies)
    collect(spec::ApplyVary(sweep, vary, &file.positions));
  const auto set = [&](const char* field, const std::string& value) {
    collect(spec::ApplySet(sweep, StrCat(field, "=", value), &file.positions));
    file.positions[field] = StrCat("--", field);
  };
  if (options.repeats != 0) set("repeats", StrCat(options.repeats));
  if (options.trials != 0) set("trials", StrCat(options.trials));
  if (!options.seed.empty()) set("seed", options.seed);
  if (!options.strategy.empty()) {
    set("strategy", options.strategy);
  } else if (options.trials != 0) {
    sweep.set_strategy("random");
  }
  return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problems);
}

}  // namespace

absl::Status SubmitSweepFile(Globals& globals, const SubmitOptions& options,
                             const spec::SpecFile& file) {
  const v1::SweepSpec& sweep = file.sweep;
  SHOAL_RETURN_IF_ERROR(CheckFiles(sweep.base(), &file.positions));
  SHOAL_ASSIGN_OR_RETURN(std::vector<spec::Trial> trials,
                         spec::ExpandSweep(sweep, &file.positions));
  SHOAL_ASSIGN_OR_RETURN(std::vector<PlannedRun> planned,
                         PlanAll(globals, std::move(trials), options.dry_run));
  if (options.dry_run) {
    TellReused(globals, options, planned);
    PrintSweepDryRun(globals, planned);
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const v1::SubmitSweepResponse response,
                         SubmitSweep(lab, sweep, planned, globals.command_line, options.no_reuse));
  const v1::Sweep& created = response.sweep();
  return FinishSweep(globals, options, response,
                     StrCat("launched sweep ", created.name(), "  (", created.sweep_id(), ", ",
                            created.run_count(), " runs)"));
}

void AddSweep(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<SweepOptions>();
  CLI::App* command = AddCommand(
      app, globals,
      {"sweep",
       "Train models that differ in what you ask about",
       {"shoal sweep tiny --vary model.n_layers=2,4,6 --repeats 3 --follow",
        "shoal sweep tiny --vary train.optimizer.lr=1e-4..1e-2:log --trials 20"},
       "What --vary says of a field:\n"
       "  model.n_layers=2,4,6                    these values\n"
       "  model.n_layers=1..8                     every integer of a range\n"
       "  model.d_model=64..256:step=64           in steps\n"
       "  train.optimizer.lr=1e-4..1e-2:log:5     5 points at equal ratios (without log: "
       "distances)\n"
       "  train.optimizer.lr=1e-4..1e-2:log       any value of the range, with --trials\n"
       "Several --vary make every combination of them; --trials N draws N of the combinations at "
       "random. In a recipe: base, space, variants, strategy, trials, seed, repeats; see "
       "recipes/quickstart.yaml."},
      [&globals, options]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(spec::SpecFile file,
                               ReadRecipe(options->recipe, options->sets, options->varies));
        MakeSweep(file);
        SHOAL_RETURN_IF_ERROR(ApplyOptions(*options, file));
        if (file.sweep.space().empty() && file.sweep.variants().empty() &&
            file.sweep.repeats() <= 1) {
          return absl::InvalidArgumentError(
              "a sweep needs something to vary: --vary model.n_layers=1,2,4, --repeats 3, or "
              "`space:` in the recipe");
        }
        return SubmitSweepFile(globals, options->submit, file);
      });
  command
      ->add_option("recipe", options->recipe,
                   "A YAML file, or the name of a recipe that ships with shoal")
      ->required();
  command->add_option("--vary", options->varies, "PATH=A,B,C or PATH=MIN..MAX: a field to vary")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--set", options->sets, "PATH=VALUE: a field that has this value in all runs")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option(
      "--repeats", options->repeats,
      "Runs of each setting, each with a seed of its own derived from the recipe's");
  command->add_option("--trials", options->trials, "Draw this many settings at random");
  command->add_option("--strategy", options->strategy, "grid (all settings) or random (--trials)");
  command->add_option("--seed", options->seed,
                      "Of the random draws: the same seed, the same settings (default 1)");
  command->add_option("--name", options->name, "Name of the sweep, instead of the recipe's");
  AddSubmitOptions(*command, options->submit);
}

}  // namespace shoal::cli
