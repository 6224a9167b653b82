// shoal coordinator: the lab's deciding half by itself, for other machines; and its join file.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/commands/lab_options.h"
#include "cli/lab/embedded.h"
#include "cli/lab/join_hint.h"
#include "cli/lab/stop_signal.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/join/certificate.h"
#include "core/join/join_file.h"

namespace shoal::cli {
namespace {

absl::Status RunCoordinator(const Globals& globals, const CoordinatorSetup& setup) {
  CatchStopSignals();
  SHOAL_RETURN_IF_ERROR(PrepareDataDir(setup.data_dir));
  SHOAL_ASSIGN_OR_RETURN(const auto coordinator, globals.programs.start_coordinator(setup));
  LogInfo("coordinator is up", {"data_dir", setup.data_dir},
          {"listens_as", coordinator->advertised()});
  if (!coordinator->join_file().empty() && !globals.quiet && !globals.json) {
    std::printf("%s", JoinHint(coordinator->advertised(), coordinator->join_file()).c_str());
    std::fflush(stdout);
  }
  while (!StopAsked() && !coordinator->WaitForShutdown(absl::Milliseconds(500))) {
  }
  coordinator->Stop(absl::Seconds(5));
  return absl::OkStatus();
}

// What the join file says, except the key.
absl::Status ShowJoinFile(const Globals& globals, bool rotated, bool new_certificate) {
  const std::string path = join::JoinFileOf(globals.lab.data_dir);
  RealFileSystem files;
  if (!files.Exists(path)) {
    return absl::FailedPreconditionError(
        StrCat("there is no join file in ", globals.lab.data_dir,
               ": `shoal coordinator --listen HOST:PORT` makes it, and if it was taken away, "
               "`shoal coordinator join-file --rotate`"));
  }
  SHOAL_ASSIGN_OR_RETURN(const join::JoinFile join, join::ReadJoinFile(path));
  SHOAL_ASSIGN_OR_RETURN(const join::Certificate certificate,
                         join::ReadCertificate(join.certificate));
  if (globals.json) {
    JsonReply()
        .AddText("join_file", path)
        .AddText("address", join.address)
        .AddText("certificate_expires", join::DateText(certificate.not_after))
        .AddText("certificate_sha256", certificate.fingerprint.Hex())
        .AddRaw("rotated", rotated ? "true" : "false")
        .AddRaw("new_certificate", new_certificate ? "true" : "false")
        .Print();
    return absl::OkStatus();
  }
  std::printf("%s\n", path.c_str());
  if (globals.quiet) return absl::OkStatus();
  std::fprintf(stderr, "for %s, certificate %.16s, good until %s\n", join.address.c_str(),
               certificate.fingerprint.Hex().c_str(),
               join::DateText(certificate.not_after).c_str());
  if (rotated) std::fprintf(stderr, "the old key is refused from now on: hand out this file\n");
  if (new_certificate) std::fprintf(stderr, "a new certificate too: restart the coordinator\n");
  return absl::OkStatus();
}

void AddJoinFile(CLI::App& coordinator, Globals& globals) {
  const auto rotate = std::make_shared<bool>(false);
  CLI::App* command =
      AddCommand(coordinator, globals,
                 {"join-file",
                  "Print where the file is that lets other machines in",
                  {"scp $(shoal coordinator join-file) nora:",
                   "shoal coordinator join-file --rotate  # the old key is refused from now on"}},
                 [&globals, rotate]() -> absl::Status {
                   SHOAL_RETURN_IF_ERROR(CheckDataDir(globals.lab.data_dir));
                   bool new_certificate = false;
                   if (*rotate) {
                     SHOAL_ASSIGN_OR_RETURN(new_certificate,
                                            globals.programs.rotate_key(globals.lab.data_dir));
                   }
                   return ShowJoinFile(globals, *rotate, new_certificate);
                 });
  command->add_flag("--rotate", *rotate,
                    "Make it anew: a running lab refuses the old key from the next call on; the "
                    "certificate stays while it has a year to live");
}

}  // namespace

void AddCoordinator(CLI::App& app, Globals& globals) {
  struct Options {
    CoordinatorSetup setup;
    std::string lease = "5m";
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command = AddCommand(
      app, globals,
      {"coordinator",
       "Run a coordinator in this terminal, for workers that join it",
       {"shoal coordinator --listen 0.0.0.0:7411",
        "shoal coordinator --listen 0.0.0.0:7411 --advertise lab.example.org:7411 --lease 10m"}},
      [&globals, options]() -> absl::Status {
        CoordinatorSetup& setup = options->setup;
        setup.data_dir = globals.lab.data_dir;
        setup.socket_path = EmbeddedSocket(globals.lab.data_dir);
        SHOAL_ASSIGN_OR_RETURN(setup.lease, ParseLease(options->lease));
        return RunCoordinator(globals, setup);
      });
  AddListenOptions(*command, options->setup.tcp_address, options->setup.advertise);
  command
      ->add_option("--lease", options->lease,
                   "How long a job may go on without a word from its worker")
      ->capture_default_str();
  AddJoinFile(*command, globals);
}

}  // namespace shoal::cli
