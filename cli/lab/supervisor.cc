// `shoal up --foreground`: the coordinator in this process, the worker beside it.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "absl/time/clock.h"
#include "cli/lab/embedded.h"
#include "cli/lab/stop_signal.h"
#include "cli/lab/up_options.h"
#include "core/base/file.h"
#include "core/base/install_paths.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/subprocess.h"
#include "core/join/address.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kWorkerStopTimeout = absl::Seconds(60);
constexpr absl::Duration kLongestBackoff = absl::Seconds(30);

// An flock on a file that holds our process id; kept until the process ends, however it ends.
absl::Status TakeLock(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return ErrnoStatus(errno, StrCat("opening ", path));
  bool taken = flock(file, LOCK_EX | LOCK_NB) == 0;
  // Who only looks whether it is held holds it for a moment.
  for (int tries = 0; !taken && tries < 20; ++tries) {
    absl::SleepFor(absl::Milliseconds(10));
    taken = flock(file, LOCK_EX | LOCK_NB) == 0;
  }
  if (!taken) {
    close(file);
    return absl::FailedPreconditionError(
        StrCat("another `shoal up` has this data folder (", path, ")"));
  }
  const std::string pid = StrCat(getpid(), "\n");
  if (ftruncate(file, 0) != 0 || pwrite(file, pid.data(), pid.size(), 0) < 0) {
    return ErrnoStatus(errno, StrCat("writing ", path));
  }
  return absl::OkStatus();
}

// Keeps one worker alive: ours, or one that an earlier `up` left running.
class WorkerKeeper {
 public:
  WorkerKeeper(std::string data_dir, int slots, const Clock& clock)
      : data_dir_(std::move(data_dir)), slots_(slots), clock_(clock) {}

  // Called every half second: restarts a worker that ended, after a pause that grows while it keeps
  // dying.
  void Tick() {
    if (process_.has_value()) {
      const std::optional<ExitStatus> exit = process_->Wait(absl::ZeroDuration());
      if (!exit.has_value()) return;
      LogWarning("worker ended", {"status", exit->ToString()},
                 {"restart_in", absl::FormatDuration(backoff_)});
      process_.reset();
      next_start_ = clock_.Boottime() + backoff_;
      backoff_ = std::min(backoff_ * 2, kLongestBackoff);
    }
    if (clock_.Boottime() < next_start_ || Adopted().has_value()) return;
    const absl::Status status = Start();
    if (status.ok()) return;
    LogError("worker does not start", {"status", status.ToString()});
    next_start_ = clock_.Boottime() + backoff_;
    backoff_ = std::min(backoff_ * 2, kLongestBackoff);
  }

  // Asks the worker to end (it saves checkpoints), kills it when it does not.
  void Stop() {
    const std::optional<pid_t> pid = process_.has_value() ? process_->pid() : Adopted();
    if (!pid.has_value() || *pid <= 0) return;
    kill(*pid, SIGTERM);
    const absl::Duration deadline = clock_.Boottime() + kWorkerStopTimeout;
    while (clock_.Boottime() < deadline) {
      if (process_.has_value() ? process_->Wait(absl::Milliseconds(50)).has_value()
                               : !Adopted().has_value())
        return;
      absl::SleepFor(absl::Milliseconds(20));
    }
    LogWarning("worker does not stop, killing it", {"pid", *pid});
    kill(*pid, SIGKILL);
  }

 private:
  std::string Folder() const { return JoinPath(data_dir_, "worker"); }
  std::optional<pid_t> Adopted() const { return LockHolder(JoinPath(Folder(), "worker.lock")); }

  absl::Status Start() {
    SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
    const std::string log = JoinPath(EmbeddedLogDir(data_dir_), "worker.log");
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0) return ErrnoStatus(errno, StrCat("opening ", log));
    SubprocessOptions spawn;
    spawn.args = {paths.Program("shoal"),
                  "worker",
                  "--name",
                  std::string(kEmbeddedWorker),
                  "--connect",
                  StrCat("unix:", EmbeddedSocket(data_dir_)),
                  "--worker-dir",
                  Folder()};
    if (slots_ > 0) {
      spawn.args.push_back("--slots");
      spawn.args.push_back(std::to_string(slots_));
    }
    spawn.descriptors = {{out, 1}, {out, 2}};
    spawn.new_process_group = true;
    absl::StatusOr<Subprocess> process = Subprocess::Start(spawn);
    close(out);
    SHOAL_RETURN_IF_ERROR(process);
    process_.emplace(*std::move(process));
    LogInfo("worker started", {"pid", process_->pid()});
    return absl::OkStatus();
  }

  const std::string data_dir_;
  const int slots_;
  const Clock& clock_;
  std::optional<Subprocess> process_;
  absl::Duration next_start_;
  absl::Duration backoff_ = absl::Milliseconds(500);
};

}  // namespace

absl::Status RunEmbeddedLab(const std::string& data_dir, const EmbeddedOptions& asked,
                            const Programs& programs, const Clock& clock) {
  SHOAL_RETURN_IF_ERROR(PrepareDataDir(data_dir));
  // Held to the end of the process: who waits for it finds that everything of this lab is closed.
  SHOAL_RETURN_IF_ERROR(TakeLock(JoinPath(data_dir, "run/up.lock")));
  CatchStopSignals();
  SHOAL_ASSIGN_OR_RETURN(EmbeddedOptions options, CompleteOptions(data_dir, asked));

  CoordinatorSetup setup;
  setup.data_dir = data_dir;
  setup.socket_path = EmbeddedSocket(data_dir);
  setup.lease = options.lease;
  setup.tcp_address = options.listen;
  setup.advertise = options.advertise;
  setup.allow_shutdown = true;
  SHOAL_ASSIGN_OR_RETURN(const auto coordinator, programs.start_coordinator(setup));
  if (!options.listen.empty()) {  // port 0 was any: the same again, since others know it now
    SHOAL_ASSIGN_OR_RETURN(join::Address listen, join::ParseAddress(options.listen));
    listen.port = coordinator->tcp_port();
    options.listen = listen.ToString();
  }
  SHOAL_RETURN_IF_ERROR(RememberOptions(data_dir, options));
  LogInfo("lab is up", {"data_dir", data_dir}, {"socket", setup.socket_path}, {"pid", getpid()});

  WorkerKeeper worker(data_dir, options.slots, clock);
  while (!StopAsked()) {
    worker.Tick();
    if (coordinator->WaitForShutdown(absl::Milliseconds(500))) break;
  }
  LogInfo("lab is stopping", {"reason", StopAsked() ? "signal" : coordinator->shutdown_reason()});
  worker.Stop();  // first, so that its last reports still find a coordinator
  coordinator->Stop(absl::Seconds(5));
  ForgetOptions(data_dir);
  return absl::OkStatus();
}

}  // namespace shoal::cli
