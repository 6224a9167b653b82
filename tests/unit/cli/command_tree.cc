#include "tests/unit/cli/command_tree.h"

#include <memory>

#include "core/base/strings.h"

namespace shoal::cli {
namespace {

// Each command below `app` by its path.
void Collect(CLI::App& app, const std::string& path, std::map<std::string, CLI::App*>& commands) {
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string name = StrCat(path, path.empty() ? "" : " ", command->get_name());
    commands[name] = command;
    Collect(*command, name, commands);
  }
}

}  // namespace

std::map<std::string, CLI::App*> CommandsOf(CLI::App& app) {
  std::map<std::string, CLI::App*> commands;
  Collect(app, "", commands);
  return commands;
}

std::string Parsed(const std::vector<std::string>& call) {
  Globals globals;
  const std::unique_ptr<CLI::App> app = BuildApp(globals);
  try {
    app->parse(std::vector<std::string>(call.rbegin(), call.rend()));  // CLI11 wants the last first
  } catch (const CLI::ParseError& error) {
    return StrCat("does not parse: ", error.what());
  }
  std::string path;
  for (auto chosen = app->get_subcommands(); !chosen.empty();
       chosen = chosen.front()->get_subcommands()) {
    StrAppend(path, path.empty() ? "" : " ", chosen.front()->get_name());
  }
  return path;
}

}  // namespace shoal::cli
