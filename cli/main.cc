// shoal: the one program. Command line, coordinator and worker are composed here and nowhere else.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/lab/embedded.h"
#include "core/base/build_info.h"

namespace {

std::string CommandLine(int argc, char** argv) {
  std::string line = "shoal";
  for (int i = 1; i < argc; ++i) line += std::string(" ") + argv[i];
  return line.substr(0, 4096);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace shoal::cli;
  Globals globals;
  globals.terminal = Terminal::OfStdout();
  globals.command_line = CommandLine(argc, argv);
  globals.lab.data_dir = DefaultDataDir();

  CLI::App app("A laboratory for tiny language models: train, compare and talk to them.", "shoal");
  app.set_version_flag("--version", "shoal " + shoal::ThisBuild().ToString());
  app.add_option("--lab", globals.lab.address, "The lab to talk to, e.g. 127.0.0.1:7411 (default: your own, started when needed)")
      ->envname("SHOAL_LAB");
  app.add_option("--data-dir", globals.lab.data_dir, "Where your own lab keeps everything")->capture_default_str();
  app.add_flag("--quiet,-q", globals.quiet, "Print only results");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "First steps:\n"
      "  shoal launch tiny --follow                train a model of a million parameters\n"
      "  shoal chat last                           talk to it\n"
      "  shoal sweep tiny --vary model.n_layers=1,2,4 --follow\n"
      "Exit codes: 0 ok, 2 usage or invalid spec, 3 a job failed, 4 lab not reachable or infrastructure, 5 refused");
  AddUp(app, globals);
  AddDown(app, globals);
  AddLaunch(app, globals);
  AddSweep(app, globals);
  AddFields(app, globals);
  AddList(app, globals);
  AddShow(app, globals);
  AddLogs(app, globals);
  AddWatch(app, globals);
  AddWait(app, globals);
  AddCancel(app, globals);
  AddPlot(app, globals);
  AddGenerate(app, globals);
  AddChat(app, globals);
  AddDoctor(app, globals);
  AddWorker(app, globals);
  AddCoordinator(app, globals);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // --help and --version come as errors with code 0; every other one is a usage error.
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  globals.lab.quiet = globals.quiet || globals.json;
  std::fflush(stdout);
  return globals.exit_code;
}
