// shoal up, shoal down: the embedded lab's life.

#include <cstdio>

#include "absl/time/clock.h"
#include "cli/commands/command.h"
#include "cli/commands/lab_options.h"
#include "cli/lab/embedded.h"
#include "cli/lab/join_hint.h"
#include "core/base/status.h"
#include "core/join/address.h"
#include "core/join/join_file.h"

namespace shoal::cli {
namespace {

// One line about a lab that answers.
std::string Describe(const v1::GetLabResponse& lab) {
  return StrCat("lab in ", lab.data_dir(), "  (process ", lab.pid(), ", ", lab.ready_workers(),
                lab.ready_workers() == 1 ? " worker, " : " workers, ", lab.slots_used(), " of ",
                lab.slots(), " slots in use, ", lab.running_jobs(), " running, ", lab.queued_jobs(),
                " queued)");
}

// Waits a moment for the worker, so that `up` shows a lab that can do something.
absl::StatusOr<v1::GetLabResponse> GetLabWithWorker(Lab& lab, const Clock& clock) {
  const absl::Duration deadline = clock.Boottime() + absl::Seconds(10);
  while (true) {
    SHOAL_ASSIGN_OR_RETURN(const auto response,
                           Call(lab.service(), &v1::LabService::Stub::GetLab, v1::GetLabRequest()));
    if (response.ready_workers() > 0 || clock.Boottime() > deadline) return response;
    absl::SleepFor(absl::Milliseconds(50));
  }
}

// Says what of `asked` a lab that was running before this command does not heed.
// Errors: FailedPrecondition when its worker has other slots.
absl::Status CompareWithRunning(Lab& lab, const EmbeddedOptions& asked) {
  SHOAL_ASSIGN_OR_RETURN(
      const auto response,
      Call(lab.service(), &v1::LabService::Stub::ListWorkers, v1::ListWorkersRequest()));
  for (const v1::Worker& worker : response.workers()) {
    if (asked.slots == 0 || worker.name() != kEmbeddedWorker || worker.slots() == asked.slots)
      continue;
    return absl::FailedPreconditionError(StrCat(
        "the lab runs already, with ", worker.slots(), worker.slots() == 1 ? " slot" : " slots",
        "; `shoal down` and then `shoal up --slots ", asked.slots, "` changes that"));
  }
  if (asked.lease > absl::ZeroDuration()) {
    std::fprintf(stderr,
                 "note: the lab runs already; --lease counts when it starts: `shoal down`, then "
                 "`shoal up --lease %s`\n",
                 absl::FormatDuration(asked.lease).c_str());
  }
  return absl::OkStatus();
}

// Goes in as another machine would. Errors: FailedPrecondition when the lab that ran already does
// not listen, or listens elsewhere.
absl::Status CheckListens(const LabOptions& own, const EmbeddedOptions& asked,
                          const v1::GetLabResponse& lab) {
  const auto refuse = [&](std::string_view what) {
    return absl::FailedPreconditionError(StrCat("the lab runs already, and ", what,
                                                "; `shoal down` and then `shoal up --listen ",
                                                asked.listen, "` changes that"));
  };
  LabOptions options = own;
  options.address = join::JoinFileOf(own.data_dir);
  absl::StatusOr<Lab> network = Lab::Connect(options);
  if (!network.ok()) return refuse("lets no other machine in");
  SHOAL_ASSIGN_OR_RETURN(
      const auto response,
      Call(network->service(), &v1::LabService::Stub::GetLab, v1::GetLabRequest()));
  if (response.pid() != lab.pid()) return refuse("lets no other machine in");
  SHOAL_ASSIGN_OR_RETURN(const join::Address wanted, join::ParseAddress(asked.listen));
  SHOAL_ASSIGN_OR_RETURN(const join::Address there, join::ParseAddress(network->endpoint().target));
  const bool elsewhere = asked.advertise.empty() && wanted.port != 0 && wanted.port != there.port;
  return elsewhere ? refuse(StrCat("listens as ", there.ToString())) : absl::OkStatus();
}

absl::StatusOr<std::string> AddressOf(const std::string& data_dir) {
  const std::string path = join::JoinFileOf(data_dir);
  absl::StatusOr<join::JoinFile> join = join::ReadJoinFile(path);
  if (join.ok()) return join->address;
  if (!absl::IsNotFound(join.status())) return join.status();
  return absl::FailedPreconditionError(
      StrCat("the lab runs and listens, but its join file ", path,
             " was taken away; `shoal coordinator join-file --rotate` makes a new one"));
}

void Print(const Globals& globals, const v1::GetLabResponse& lab, const std::string& address) {
  const std::string join_file = join::JoinFileOf(globals.lab.data_dir);
  if (!globals.json) {
    std::printf("%s\n", Describe(lab).c_str());
    if (!address.empty()) std::printf("%s", JoinHint(address, join_file).c_str());
    return;
  }
  JsonReply reply;
  reply.Add("lab", lab);
  if (!address.empty()) reply.AddText("address", address).AddText("join_file", join_file);
  reply.Print();
}

}  // namespace

void AddUp(CLI::App& app, Globals& globals) {
  struct Options {
    bool foreground = false;
    EmbeddedOptions embedded;
    std::string lease;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, globals,
      {"up",
       "Start the lab of the data folder: a coordinator and a worker",
       {"shoal up --slots 2", "shoal up --listen 0.0.0.0:7411  # and let other machines in"}},
      [&globals, options]() -> absl::Status {
        EmbeddedOptions& embedded = options->embedded;
        if (!options->lease.empty()) {
          SHOAL_ASSIGN_OR_RETURN(embedded.lease, ParseLease(options->lease));
        }
        if (options->foreground)
          return RunEmbeddedLab(globals.lab.data_dir, embedded, globals.programs, globals.clock());
        const bool was_running = EmbeddedLabRuns(globals.lab.data_dir);
        SHOAL_RETURN_IF_ERROR(
            EnsureEmbeddedLab(globals.lab.data_dir, true, globals.clock(), embedded));
        LabOptions own = globals.lab;
        own.address.clear();
        SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(own));
        SHOAL_ASSIGN_OR_RETURN(const v1::GetLabResponse response,
                               GetLabWithWorker(lab, globals.clock()));
        if (was_running) SHOAL_RETURN_IF_ERROR(CompareWithRunning(lab, embedded));
        std::string address;
        if (!embedded.listen.empty()) {
          if (was_running) SHOAL_RETURN_IF_ERROR(CheckListens(own, embedded, response));
          SHOAL_ASSIGN_OR_RETURN(address, AddressOf(own.data_dir));
        }
        Print(globals, response, address);
        return absl::OkStatus();
      });
  command->add_flag("--foreground", options->foreground,
                    "Stay; log to this terminal; Ctrl-C stops the lab");
  command
      ->add_option("--slots", options->embedded.slots,
                   "Slots of the worker, one core each (default: the machine's cores)")
      ->check(CLI::Range(1, 1024));
  command->add_option("--lease", options->lease,
                      "How long a job may go on without a word from its worker (default: 5m)");
  AddListenOptions(*command, options->embedded.listen, options->embedded.advertise);
}

void AddDown(CLI::App& app, Globals& globals) {
  AddCommand(app, globals,
             {"down",
              "Stop the lab of the data folder; running jobs save a checkpoint and resume later",
              {"shoal down", "shoal --data-dir /srv/shoal down"}},
             [&globals]() -> absl::Status {
               const bool was_running = EmbeddedLabRuns(globals.lab.data_dir);
               SHOAL_RETURN_IF_ERROR(
                   StopEmbeddedLab(globals.lab.data_dir, absl::Seconds(90), globals.clock()));
               if (globals.json) {
                 JsonReply().AddRaw("was_running", was_running ? "true" : "false").Print();
               } else if (!globals.quiet) {
                 std::printf(was_running ? "stopped\n" : "no lab was running in %s\n",
                             globals.lab.data_dir.c_str());
               }
               return absl::OkStatus();
             });
}

}  // namespace shoal::cli
