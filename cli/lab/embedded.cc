#include "cli/lab/embedded.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/time/clock.h"
#include "cli/lab/lab.h"
#include "core/base/file.h"
#include "core/base/install_paths.h"
#include "core/base/net_fs.h"
#include "core/base/status.h"
#include "core/base/subprocess.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(30);
constexpr int kUsageExit = 2;  // as in cli/commands/command.h
constexpr int kRefusedExit = 5;

// The last lines of a log, for an error message.
std::string LogTail(const std::string& path) {
  RealFileSystem files;
  absl::StatusOr<int64_t> size = files.FileSize(path);
  if (!size.ok()) return "";
  const int64_t take = std::min<int64_t>(*size, 1500);
  absl::StatusOr<std::string> text = files.ReadRange(path, *size - take, take);
  return text.ok() ? *text : "";
}

absl::StatusOr<pid_t> SpawnUp(const std::string& data_dir, const EmbeddedOptions& options,
                              const std::string& log) {
  SHOAL_ASSIGN_OR_RETURN(const InstallPaths paths, InstallPaths::OfThisProgram());
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return ErrnoStatus(errno, StrCat("opening ", log));
  SubprocessOptions spawn;
  spawn.args = {paths.Program("shoal"), "--data-dir", data_dir, "up", "--foreground"};
  const auto add = [&spawn](const char* option, const std::string& value) {
    if (value.empty()) return;
    spawn.args.push_back(option);
    spawn.args.push_back(value);
  };
  add("--lease", options.lease > absl::ZeroDuration() ? absl::FormatDuration(options.lease) : "");
  add("--slots", options.slots > 0 ? std::to_string(options.slots) : "");
  add("--listen", options.listen);
  add("--advertise", options.advertise);
  spawn.descriptors = {{out, 1}, {out, 2}};
  spawn.new_process_group = true;
  absl::StatusOr<Subprocess> process = Subprocess::Start(spawn);
  close(out);
  SHOAL_RETURN_IF_ERROR(process, "starting the lab");
  return process->Detach();
}

// Why a lab of ours that ended before it answered did so: it prints that as the last thing.
absl::Status WhyItEnded(const std::string& data_dir, int wait_status, const std::string& log) {
  constexpr std::string_view kMark = "shoal: ";
  const std::string tail = StrCat("\n", LogTail(log));
  const size_t at = tail.rfind(StrCat("\n", kMark));
  const bool said = WIFEXITED(wait_status) && at != std::string::npos;
  if (!said) {
    return absl::UnavailableError(
        StrCat("the lab in ", data_dir, " did not start; the end of ", log, ":", tail));
  }
  const std::string message(StripSpace(std::string_view(tail).substr(at + 1 + kMark.size())));
  switch (WEXITSTATUS(wait_status)) {
    case kUsageExit:
      return absl::InvalidArgumentError(message);
    case kRefusedExit:
      return absl::FailedPreconditionError(message);
    default:
      return absl::UnavailableError(message);
  }
}

absl::Status AskToShutDown(const std::string& data_dir) {
  const auto channel = grpc::CreateChannel(StrCat("unix:", EmbeddedSocket(data_dir)),
                                           grpc::InsecureChannelCredentials());
  const auto service = v1::LabService::NewStub(channel);
  v1::ShutdownRequest request;
  request.set_reason("shoal down");
  return Call(*service, &v1::LabService::Stub::Shutdown, request, absl::Seconds(10)).status();
}

std::string UpLock(const std::string& data_dir) { return JoinPath(data_dir, "run/up.lock"); }

}  // namespace

std::string DefaultDataDir() {
  const auto env = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string home = env("SHOAL_HOME"); !home.empty()) return home;
  if (const std::string data = env("XDG_DATA_HOME"); !data.empty()) return JoinPath(data, "shoal");
  std::string home = env("HOME");
  if (home.empty()) {
    if (const passwd* user = getpwuid(geteuid()); user != nullptr) home = user->pw_dir;
  }
  return home.empty() ? "" : JoinPath(home, ".local/share/shoal");
}

absl::Status CheckDataDir(const std::string& data_dir) {
  if (data_dir.empty()) {
    return absl::FailedPreconditionError(
        "no folder for the lab is known, as there is no home folder: set SHOAL_HOME, or give "
        "--data-dir");
  }
  constexpr size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
  if (const std::string socket = EmbeddedSocket(data_dir); socket.size() > kLongest) {
    return absl::FailedPreconditionError(
        StrCat("the data folder's path is too long: its socket ", socket, " has ", socket.size(),
               " bytes, and the system allows ", kLongest,
               "; name a shorter one with SHOAL_HOME or --data-dir"));
  }
  return absl::OkStatus();
}

absl::Status PrepareDataDir(const std::string& data_dir) {
  SHOAL_RETURN_IF_ERROR(CheckDataDir(data_dir));
  SHOAL_RETURN_IF_ERROR(CheckLocalFileSystem(data_dir));  // before anything is made in it
  RealFileSystem files;
  for (const std::string& folder :
       {data_dir, JoinPath(data_dir, "run"), EmbeddedLogDir(data_dir)}) {
    const absl::Status status = files.MakeDirs(folder, 0700);
    if (status.ok()) continue;
    return absl::FailedPreconditionError(StrCat("the data folder ", data_dir,
                                                " cannot be used: ", status.message(),
                                                "; name another with SHOAL_HOME or --data-dir"));
  }
  return absl::OkStatus();
}

bool LabAnswers(const std::string& data_dir) {
  const auto channel = grpc::CreateChannel(StrCat("unix:", EmbeddedSocket(data_dir)),
                                           grpc::InsecureChannelCredentials());
  const auto service = v1::LabService::NewStub(channel);
  return Call(*service, &v1::LabService::Stub::GetLab, v1::GetLabRequest(), absl::Seconds(2)).ok();
}

std::string EmbeddedSocket(const std::string& data_dir) {
  return JoinPath(data_dir, "run/lab.sock");
}
std::string EmbeddedLogDir(const std::string& data_dir) { return JoinPath(data_dir, "log"); }

std::optional<pid_t> LockHolder(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  char text[32] = {};
  const ssize_t size = held ? pread(file, text, sizeof text - 1, 0) : 0;
  close(file);
  if (!held) return std::nullopt;
  return size > 0 ? static_cast<pid_t>(std::atoi(text)) : 0;
}

std::optional<pid_t> EmbeddedLabPid(const std::string& data_dir) {
  return LockHolder(UpLock(data_dir));
}

absl::Status EnsureEmbeddedLab(const std::string& data_dir, bool quiet, const Clock& clock,
                               const EmbeddedOptions& options) {
  SHOAL_RETURN_IF_ERROR(CheckDataDir(data_dir));
  if (EmbeddedLabRuns(data_dir) && LabAnswers(data_dir)) return absl::OkStatus();
  SHOAL_RETURN_IF_ERROR(PrepareDataDir(data_dir));
  const std::string log = JoinPath(EmbeddedLogDir(data_dir), "up.log");
  pid_t started = 0;
  const absl::Duration deadline = clock.Boottime() + kStartTimeout;
  while (clock.Boottime() < deadline) {
    if (LabAnswers(data_dir)) {
      if (!quiet && started != 0) std::fprintf(stderr, "started a lab in %s\n", data_dir.c_str());
      return absl::OkStatus();
    }
    if (!EmbeddedLabRuns(data_dir)) {
      int wait_status = 0;
      if (started != 0 && waitpid(started, &wait_status, WNOHANG) == started) {
        return WhyItEnded(data_dir, wait_status, log);
      }
      if (started == 0) {
        SHOAL_ASSIGN_OR_RETURN(started, SpawnUp(data_dir, options, log));
      }
    }
    absl::SleepFor(absl::Milliseconds(30));
  }
  return absl::UnavailableError(
      StrCat("the lab in ", data_dir, " did not start; the end of ", log, ":\n", LogTail(log)));
}

absl::Status StopEmbeddedLab(const std::string& data_dir, absl::Duration timeout,
                             const Clock& clock) {
  SHOAL_RETURN_IF_ERROR(CheckDataDir(data_dir));
  const std::optional<pid_t> pid = EmbeddedLabPid(data_dir);
  if (!pid.has_value()) return absl::OkStatus();
  // The connection must be gone while we wait: nobody would answer the lab's goodbye on it.
  const absl::Status asked = AskToShutDown(data_dir);
  if (!asked.ok() && *pid > 0) kill(*pid, SIGTERM);
  const absl::Duration deadline = clock.Boottime() + timeout;
  while (clock.Boottime() < deadline) {
    if (!EmbeddedLabRuns(data_dir)) return absl::OkStatus();
    absl::SleepFor(absl::Milliseconds(50));
  }
  return absl::DeadlineExceededError(
      StrCat("the lab in ", data_dir, " (process ", *pid, ") is still stopping after ",
             absl::FormatDuration(timeout), "; running jobs save a checkpoint first"));
}

}  // namespace shoal::cli
