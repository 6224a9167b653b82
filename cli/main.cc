// shoal: the one program. Command line, coordinator and worker are composed here and nowhere else.

#include <grpc/support/log.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "cli/commands/app.h"
#include "cli/commands/command.h"
#include "cli/lab/embedded.h"
#include "coordinator/coordinator.h"
#include "coordinator/identity/identity.h"
#include "core/base/build_info.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/data/utf8.h"
#include "worker/agent/agent.h"

namespace {

using namespace shoal;

class CoordinatorHere final : public cli::RunningCoordinator {
 public:
  explicit CoordinatorHere(std::unique_ptr<Coordinator> coordinator)
      : coordinator_(std::move(coordinator)) {}
  bool WaitForShutdown(absl::Duration timeout) override {
    return coordinator_->WaitForShutdown(timeout);
  }
  std::string shutdown_reason() const override { return coordinator_->shutdown_reason(); }
  int tcp_port() const override { return coordinator_->tcp_port(); }
  std::string advertised() const override { return coordinator_->advertised(); }
  std::string join_file() const override { return coordinator_->join_file(); }
  void Stop(absl::Duration grace) override { coordinator_->Stop(grace); }

 private:
  const std::unique_ptr<Coordinator> coordinator_;
};

class WorkerHere final : public cli::RunningWorker {
 public:
  explicit WorkerHere(std::unique_ptr<agent::Agent> agent) : agent_(std::move(agent)) {}
  bool WaitUntilEnded(absl::Duration timeout) override { return agent_->WaitUntilEnded(timeout); }
  absl::Status why_ended() const override { return agent_->why_ended(); }
  void Stop(absl::Duration grace) override { agent_->Stop(grace); }

 private:
  const std::unique_ptr<agent::Agent> agent_;
};

absl::StatusOr<std::unique_ptr<cli::RunningCoordinator>> StartCoordinator(
    const cli::CoordinatorSetup& setup) {
  CoordinatorOptions options;
  options.data_dir = setup.data_dir;
  options.socket_path = setup.socket_path;
  options.tcp_address = setup.tcp_address;
  options.advertise = setup.advertise;
  options.lease = setup.lease;
  options.allow_shutdown = setup.allow_shutdown;
  options.version = std::string(ThisBuild().version);
  options.build_id = ThisBuild().ToString();
  SHOAL_ASSIGN_OR_RETURN(auto coordinator, Coordinator::Start(std::move(options)));
  return std::make_unique<CoordinatorHere>(std::move(coordinator));
}

absl::StatusOr<std::unique_ptr<cli::RunningWorker>> StartWorker(const cli::WorkerSetup& setup) {
  agent::AgentOptions options;
  options.coordinator = setup.coordinator;
  options.name = setup.name;
  options.worker_dir = setup.worker_dir;
  options.slots = setup.slots;
  SHOAL_ASSIGN_OR_RETURN(auto agent, agent::Agent::Start(std::move(options)));
  return std::make_unique<WorkerHere>(std::move(agent));
}

absl::StatusOr<bool> RotateKey(const std::string& data_dir) {
  SHOAL_ASSIGN_OR_RETURN(const identity::Rotated rotated,
                         identity::Rotate(data_dir, SystemClock().Now()));
  return rotated.certificate;
}

// gRPC prints what it dislikes to stderr; what matters of it comes back as a status.
void TakeOverGrpcLog() {
  gpr_set_log_function([](gpr_log_func_args* line) { LogDebug("grpc", {"says", line->message}); });
}

std::string CommandLine(int argc, char** argv) {
  std::string line = "shoal";
  for (int i = 1; i < argc; ++i) line += std::string(" ") + argv[i];
  size_t end = std::min<size_t>(line.size(), 4096);
  while (end < line.size() && (line[end] & 0xC0) == 0x80) --end;  // never within a character
  line.resize(end);
  return line;
}

// The first argument that no message can carry, 0 when all are well.
int NotText(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (data::CountInvalidUtf8(argv[i]) > 0) return i;
  }
  return 0;
}

// Whether errors are wanted as JSON: known before the command line could be parsed.
bool AsksForJson(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](const char* argument) { return std::string_view(argument) == "--json"; });
}

}  // namespace

int main(int argc, char** argv) {
  using namespace shoal::cli;
  TakeOverGrpcLog();
  Globals globals;
  if (const int bad = NotText(argc, argv); bad > 0) {
    globals.json = AsksForJson(argc, argv);
    PrintError(globals, absl::InvalidArgumentError(
                            StrCat("argument ", bad, " is not UTF-8 text: ", argv[bad],
                                   "; names and values are UTF-8: is the terminal's locale?")));
    return kUsage;
  }
  const SystemClock clock;
  globals.lab.clock = &clock;
  globals.programs = {StartCoordinator, StartWorker, RotateKey};
  globals.terminal = Terminal::OfStdout();
  globals.command_line = CommandLine(argc, argv);
  globals.lab.data_dir = DefaultDataDir();

  const std::unique_ptr<CLI::App> app = BuildApp(globals);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app->exit(error);  // --help and --version
    globals.json = AsksForJson(argc, argv);
    PrintError(globals, UsageError(*app, error));
    std::fflush(stdout);
    return kUsage;
  }
  const int exit_code = RunAction(globals);
  std::fflush(stdout);
  return exit_code;
}
