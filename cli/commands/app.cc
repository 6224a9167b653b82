#include "cli/commands/app.h"

#include "cli/commands/help_layout.h"
#include "core/base/build_info.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

// Commands that --help shows under one heading.
struct Section {
  const char* title;
  std::vector<void (*)(CLI::App&, Globals&)> commands;
};

const std::vector<Section>& Sections() {
  static const auto* sections = new std::vector<Section>{
      {"Train", {AddLaunch, AddSweep, AddExtend, AddRecipes, AddFields}},
      {"See what goes on", {AddList, AddShow, AddWatch, AddWait, AddLogs, AddQueue, AddExplain}},
      {"Change what goes on", {AddPause, AddResume, AddCancel, AddRetry}},
      {"Compare and talk", {AddCompare, AddPlot, AddReport, AddChat, AddGenerate}},
      {"Prepare data", {AddDataset, AddTokenizer}},
      {"Keep the lab",
       {AddUp, AddDown, AddWorkers, AddWorker, AddCoordinator, AddDoctor, AddBench}},
      {"Find out more", {AddHelp, AddCompletion}},
  };
  return *sections;
}

void AddSection(CLI::App& app, Globals& globals, const Section& section) {
  const std::string ungrouped = CLI::App().get_group();
  for (const auto add : section.commands) add(app, globals);
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_group() == ungrouped) command->group(section.title);
  }
}

}  // namespace

std::unique_ptr<CLI::App> BuildApp(Globals& globals) {
  auto app = std::make_unique<CLI::App>(
      "A laboratory for tiny language models: train, compare and talk to them.", "shoal");
  app->formatter(std::make_shared<HelpLayout>());  // commands inherit it
  app->set_version_flag("--version", StrCat("shoal ", ThisBuild().ToString()));
  app->add_option("--lab", globals.lab.address,
                  "The lab to talk to: its join file (default: your own, started when needed)")
      ->envname("SHOAL_LAB");
  app->add_option("--data-dir", globals.lab.data_dir, "Where your own lab keeps everything")
      ->capture_default_str();
  app->add_flag("--quiet,-q", globals.quiet, "Print only results");
  app->require_subcommand(1);
  app->fallthrough();
  for (const Section& section : Sections()) AddSection(*app, globals, section);
  app->footer(StrCat(
      "First steps:\n"
      "  shoal launch tiny --follow  # train a model of a million parameters\n"
      "  shoal chat last             # talk to it\n"
      "  shoal sweep tiny --vary model.n_layers=1,2,4 --repeats 2 --name depth --follow\n"
      "  shoal compare depth         # how much of the difference is luck?\n"
      "\n"
      "`shoal COMMAND --help` has examples; the options above may stand after the command.\n"
      "`shoal help TOPIC` explains what several commands share: ",
      HelpTopics(),
      ".\n"
      "Exit codes: 0 ok, 2 usage or invalid spec, 3 a job failed, 4 no lab or infrastructure, "
      "5 refused."));
  return app;
}

}  // namespace shoal::cli
