// shoal worker: a worker by itself, here or on a machine that joins a lab.

#include "cli/commands/command.h"
#include "cli/lab/embedded.h"
#include "cli/lab/stop_signal.h"
#include "core/base/file.h"
#include "core/base/host_info.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

absl::Status RunWorker(const Programs& programs, const WorkerSetup& setup) {
  CatchStopSignals();
  SHOAL_ASSIGN_OR_RETURN(const auto worker, programs.start_worker(setup));
  while (!worker->WaitUntilEnded(absl::Milliseconds(250))) {
    if (StopAsked()) worker->Stop(absl::Seconds(50));
  }
  return worker->why_ended();
}

struct Options {
  WorkerSetup setup;
  std::string connect;
  std::string join;
};

absl::StatusOr<join::Endpoint> EndpointOf(const Options& options, const Globals& globals) {
  if (!options.join.empty()) return join::JoinEndpoint(options.join, globals.clock().Now());
  if (options.connect.empty()) {
    SHOAL_RETURN_IF_ERROR(CheckDataDir(globals.lab.data_dir));
    return join::UnixEndpoint(EmbeddedSocket(globals.lab.data_dir));
  }
  join::Endpoint endpoint;
  endpoint.target = options.connect;
  SHOAL_RETURN_IF_ERROR(join::Check(endpoint), "--connect");
  return endpoint;
}

}  // namespace

void AddWorker(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, globals,
      {"worker",
       "Run a worker in this terminal, for a lab here or elsewhere",
       {"shoal worker --join lab.join --name nora --slots 4",
        "shoal worker --name second --slots 1  # one more for your own lab"}},
      [&globals, options]() -> absl::Status {
        WorkerSetup& setup = options->setup;
        SHOAL_ASSIGN_OR_RETURN(setup.coordinator, EndpointOf(*options, globals));
        if (setup.name.empty()) setup.name = ReadHostInfo().hostname;
        if (setup.worker_dir.empty()) {
          SHOAL_RETURN_IF_ERROR(CheckDataDir(globals.lab.data_dir));
          setup.worker_dir = JoinPath(globals.lab.data_dir, StrCat("worker-", setup.name));
        }
        return RunWorker(globals.programs, setup);
      });
  CLI::Option* connect =
      command->add_option("--connect", options->connect,
                          "A coordinator on this machine, as unix:/path (default: your own lab)");
  command
      ->add_option("--join", options->join,
                   "The join file of a lab elsewhere (`shoal coordinator join-file` there)")
      ->excludes(connect);
  command->add_option("--name", options->setup.name,
                      "Unique in the lab (default: the host's name)");
  command->add_option("--worker-dir", options->setup.worker_dir, "Spool, cache and work folders");
  command->add_option("--slots", options->setup.slots, "Cores it gives to jobs (default: all)")
      ->check(CLI::Range(1, 1024));
}

}  // namespace shoal::cli
