// shoal worker, shoal coordinator: the lab's processes one by one (`shoal up` runs both).

#include <signal.h>

#include <atomic>

#include "cli/commands/command.h"
#include "cli/lab/embedded.h"
#include "core/base/file.h"
#include "core/base/host_info.h"
#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

std::atomic<int> stop_signal = 0;
void OnSignal(int signal) { stop_signal = signal; }

void CatchSignals() {
  signal(SIGINT, OnSignal);
  signal(SIGTERM, OnSignal);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

absl::Status RunWorker(const Programs& programs, const WorkerSetup& setup) {
  CatchSignals();
  SHOAL_ASSIGN_OR_RETURN(const auto worker, programs.start_worker(setup));
  while (!worker->WaitUntilEnded(absl::Milliseconds(250))) {
    if (stop_signal != 0) worker->Stop(absl::Seconds(50));
  }
  return absl::OkStatus();
}

absl::Status RunCoordinator(const Programs& programs, const CoordinatorSetup& setup) {
  CatchSignals();
  SHOAL_ASSIGN_OR_RETURN(const auto coordinator, programs.start_coordinator(setup));
  LogInfo("coordinator is up", {"data_dir", setup.data_dir}, {"port", coordinator->tcp_port()});
  while (stop_signal == 0 && !coordinator->WaitForShutdown(absl::Milliseconds(500))) {
  }
  coordinator->Stop(absl::Seconds(5));
  return absl::OkStatus();
}

}  // namespace

void AddWorker(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<WorkerSetup>();
  CLI::App* command = AddCommand(
      app, globals, "worker", "Run a worker in this terminal",
      "shoal worker --connect 127.0.0.1:7411 --name nora --slots 4",
      [&globals, options]() -> absl::Status {
        if (options->coordinator.empty() || options->worker_dir.empty())
          SHOAL_RETURN_IF_ERROR(CheckDataDir(globals.lab.data_dir));
        if (options->coordinator.empty())
          options->coordinator = StrCat("unix:", EmbeddedSocket(globals.lab.data_dir));
        if (options->name.empty()) options->name = ReadHostInfo().hostname;
        if (options->worker_dir.empty())
          options->worker_dir = JoinPath(globals.lab.data_dir, StrCat("worker-", options->name));
        return RunWorker(globals.programs, *options);
      });
  command->add_option("--connect", options->coordinator,
                      "The coordinator: unix:/path or host:port (default: the embedded lab)");
  command->add_option("--name", options->name, "Unique in the lab (default: the host's name)");
  command->add_option("--worker-dir", options->worker_dir, "Spool, cache and work folders");
  command->add_option("--slots", options->slots, "Cores it gives to jobs (default: all)")
      ->check(CLI::Range(1, 1024));
}

void AddCoordinator(CLI::App& app, Globals& globals) {
  struct Options {
    std::string listen;
    std::string lease = "5m";
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(app, globals, "coordinator", "Run a coordinator in this terminal",
                                 "shoal coordinator --listen 127.0.0.1:7411",
                                 [&globals, options]() -> absl::Status {
                                   CoordinatorSetup coordinator;
                                   coordinator.data_dir = globals.lab.data_dir;
                                   coordinator.socket_path = EmbeddedSocket(globals.lab.data_dir);
                                   coordinator.tcp_address = options->listen;
                                   if (!absl::ParseDuration(options->lease, &coordinator.lease) ||
                                       coordinator.lease < absl::Seconds(1)) {
                                     return absl::InvalidArgumentError(StrCat(
                                         "--lease: '", options->lease,
                                         "' is not a duration of at least 1s, such as 30s or 5m"));
                                   }
                                   SHOAL_RETURN_IF_ERROR(PrepareDataDir(globals.lab.data_dir));
                                   return RunCoordinator(globals.programs, coordinator);
                                 });
  command->add_option("--listen", options->listen,
                      "Also listen on this loopback address, e.g. 127.0.0.1:7411");
  command
      ->add_option("--lease", options->lease,
                   "How long a job may go on without a word from its worker")
      ->capture_default_str();
}

}  // namespace shoal::cli
