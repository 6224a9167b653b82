// shoal launch, shoal fields: asking for a run.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/commands/submitting.h"
#include "cli/commands/sweep.h"
#include "cli/lab/files_check.h"
#include "core/base/status.h"
#include "core/spec/field_help.h"

namespace shoal::cli {
namespace {

struct LaunchOptions {
  std::string recipe;
  std::vector<std::string> sets;
  std::string name;
  SubmitOptions submit;
};

void PrintDryRun(const Globals& globals, const PlannedRun& planned) {
  if (globals.json) {
    // The members stand at the top, where scripts look for them.
    std::printf("{\"schema\":1,%s\n", DryRunJson(planned).substr(1).c_str());
  } else {
    std::printf("%s\n", DryRunText(planned).c_str());
  }
}

absl::Status LaunchOne(Globals& globals, const LaunchOptions& options, spec::SpecFile file) {
  if (!options.name.empty()) {
    file.run.set_name(options.name);
    file.positions["name"] = "--name";
  }
  spec::Trial trial;
  trial.spec = file.run;
  spec::FillDefaults(trial.spec);
  SHOAL_RETURN_IF_ERROR(CheckFiles(trial.spec, &file.positions));
  SHOAL_RETURN_IF_ERROR(spec::Validate(trial.spec, &file.positions));
  trial.name = trial.spec.name();
  SHOAL_ASSIGN_OR_RETURN(std::vector<PlannedRun> planned,
                         PlanAll(globals, {std::move(trial)}, options.submit.dry_run));
  if (options.submit.dry_run) {
    TellReused(globals, options.submit, planned);
    PrintDryRun(globals, planned.front());
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(
      const v1::SubmitRunResponse response,
      SubmitRun(lab, planned.front(), globals.command_line, options.submit.no_reuse));
  return FinishRun(globals, options.submit, response);
}

}  // namespace

void AddLaunch(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<LaunchOptions>();
  CLI::App* command = AddCommand(
      app, globals,
      {"launch",
       "Train a model from a recipe",
       {"shoal launch tiny --set model.n_layers=4 --follow",
        "shoal launch tiny --dry-run  # the complete spec, and what it will cost",
        "shoal launch tiny --set data.dataset=reviews --name reviews"}},
      [&globals, options]() -> absl::Status {
        SHOAL_ASSIGN_OR_RETURN(spec::SpecFile file, ReadRecipe(options->recipe, options->sets));
        if (!file.is_sweep) return LaunchOne(globals, *options, std::move(file));
        if (!options->name.empty()) {
          file.sweep.set_name(options->name);
          file.positions["name"] = "--name";
        }
        return SubmitSweepFile(globals, options->submit, file);
      });
  command
      ->add_option("recipe", options->recipe,
                   "A YAML file, or the name of a recipe that ships with shoal")
      ->required();
  command
      ->add_option("--set", options->sets,
                   "PATH=VALUE: set a field, e.g. model.n_layers=4 (`shoal fields` lists them)")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--name", options->name, "Name of the run or sweep, instead of the recipe's");
  AddSubmitOptions(*command, options->submit);
}

void AddFields(CLI::App& app, Globals& globals) {
  const auto path = std::make_shared<std::string>();
  CLI::App* command = AddCommand(
      app, globals,
      {"fields",
       "List the fields of a spec, or explain one",
       {"shoal fields train.optimizer.lr", "shoal fields  # all of them"}},
      [&globals, path]() -> absl::Status {
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
