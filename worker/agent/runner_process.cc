#include "worker/agent/runner_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::agent {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(60);
constexpr absl::Duration kSendTimeout =
    absl::Seconds(5);  // a runner that reads nothing for so long is hung
constexpr absl::Duration kRetryPause = absl::Seconds(1);
constexpr int64_t kTailBytes = 2000;

using SteadyClock = std::chrono::steady_clock;

// A pair of connected sockets, closed unless released.
struct SocketPair {
  int ends[2] = {-1, -1};
  absl::Status Open() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return ErrnoStatus(errno, "making a socket pair");
    const timeval timeout = absl::ToTimeval(kSendTimeout);
    if (setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) {
      return ErrnoStatus(errno, "setting a socket's time limit");
    }
    return absl::OkStatus();
  }
  int Release() { return std::exchange(ends[0], -1); }
  ~SocketPair() {
    for (const int end : ends) {
      if (end >= 0) close(end);
    }
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<RunnerProcess>> RunnerProcess::Start(const std::string& program,
                                                                    const std::string& log_path,
                                                                    absl::Duration timeout) {
  SocketPair sockets;
  SHOAL_RETURN_IF_ERROR(sockets.Open());
  const int log = open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return ErrnoStatus(errno, StrCat("opening ", log_path));
  const absl::Cleanup close_log = [log] { close(log); };
  SubprocessOptions options;
  options.args = {program};
  options.descriptors = {{sockets.ends[1], 3}, {log, 1}, {log, 2}};
  options.new_process_group =
      true;  // a terminal's Ctrl-C is for the agent, which then asks for checkpoints
  SHOAL_ASSIGN_OR_RETURN(Subprocess process, Subprocess::Start(options));
  close(std::exchange(sockets.ends[1], -1));
  std::unique_ptr<RunnerProcess> runner(
      new RunnerProcess(std::move(process), sockets.Release(), log_path));
  SHOAL_RETURN_IF_ERROR(runner->AwaitHello(timeout), program);
  return runner;
}

RunnerProcess::~RunnerProcess() {
  close(socket_);  // the process, if it lives, is killed by its own object
}

absl::Status RunnerProcess::AwaitHello(absl::Duration timeout) {
  if (!WaitReadable(timeout)) {
    return absl::DeadlineExceededError(
        StrCat("the runner said nothing for ", absl::FormatDuration(timeout)));
  }
  v1::AgentFrame frame;
  const absl::StatusOr<bool> received = channel_.Receive(frame);
  if (received.ok() && *received && frame.has_hello()) return absl::OkStatus();
  const std::optional<ExitStatus> exit = process_.Wait(absl::Seconds(1));
  return absl::UnavailableError(StrCat("the runner ",
                                       exit.has_value() ? exit->ToString() : "did not say Hello",
                                       " before its first frame: ", LogTail()));
}

bool RunnerProcess::WaitReadable(absl::Duration timeout) const {
  const auto deadline = SteadyClock::now() + absl::ToChronoNanoseconds(timeout);
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd ready{socket_, POLLIN, 0};
    const int count =
        poll(&ready, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000'000)));
    if (count > 0) return true;
    if (count == 0 && left <= 0) return false;
  }
}

absl::Status RunnerProcess::MoveLog(const std::string& path) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.Rename(log_path_, path));
  log_path_ = path;
  return absl::OkStatus();
}

std::string RunnerProcess::LogTail() const {
  RealFileSystem files;
  const int64_t size = files.FileSize(log_path_).value_or(0);
  const int64_t take = std::min(size, kTailBytes);
  return std::string(StripSpace(files.ReadRange(log_path_, size - take, take).value_or("")));
}

absl::StatusOr<v1::Capabilities> ProbeBackends(const std::string& program,
                                               const std::string& log_path) {
  SHOAL_ASSIGN_OR_RETURN(const auto runner, RunnerProcess::Start(program, log_path, kStartTimeout));
  v1::RunnerFrame ask;
  ask.mutable_probe();
  SHOAL_RETURN_IF_ERROR(runner->channel().Send(ask));
  v1::AgentFrame answer;
  if (!runner->WaitReadable(kStartTimeout)) {
    return absl::DeadlineExceededError(
        StrCat("the runner did not say within ", absl::FormatDuration(kStartTimeout),
               " what this machine can compute with: ", runner->LogTail()));
  }
  const absl::StatusOr<bool> received = runner->channel().Receive(answer);
  if (!received.ok() || !*received || !answer.has_capabilities()) {
    const std::optional<ExitStatus> exit = runner->process().Wait(absl::Seconds(1));
    return absl::UnavailableError(
        StrCat("the runner did not say what this machine can compute with; it ",
               exit.has_value() ? exit->ToString() : "lives", ": ", runner->LogTail()));
  }
  runner->process().Wait(absl::Seconds(1));
  return answer.capabilities();
}

RunnerPool::RunnerPool(std::string program, std::string folder)
    : program_(std::move(program)),
      folder_(std::move(folder)),
      thread_([this](std::stop_token stop) { Main(stop); }) {}

RunnerPool::~RunnerPool() {
  Shutdown();
  thread_.join();
}

void RunnerPool::Shutdown() {
  MutexLock lock(mutex_);
  stopping_ = true;
  changed_.SignalAll();
}

absl::StatusOr<std::unique_ptr<RunnerProcess>> RunnerPool::Take(absl::Duration timeout) {
  const auto deadline = CondVar::Deadline(timeout);
  MutexLock lock(mutex_);
  ++waiting_;
  const absl::Cleanup leave = [this]() SHOAL_NO_THREAD_SAFETY_ANALYSIS { --waiting_; };
  failure_ = absl::OkStatus();  // an old one says nothing about now
  changed_.SignalAll();
  while (spare_ == nullptr) {
    if (stopping_) return absl::CancelledError("the worker is stopping");
    if (!failure_.ok()) return failure_;
    if (!changed_.WaitUntil(mutex_, deadline))
      return absl::DeadlineExceededError("no runner started in time");
  }
  std::unique_ptr<RunnerProcess> taken = std::move(spare_);
  changed_.SignalAll();
  return taken;
}

void RunnerPool::Main(std::stop_token) {
  int64_t count = 0;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      // A spare that died (somebody killed it) is replaced before anyone gets it.
      if (spare_ != nullptr && spare_->process().Wait(absl::ZeroDuration()).has_value())
        spare_.reset();
      if (spare_ != nullptr || (!failure_.ok() && waiting_ == 0)) {
        if (!changed_.WaitFor(mutex_, kRetryPause)) failure_ = absl::OkStatus();
        continue;
      }
    }
    const std::string log = JoinPath(folder_, StrCat("runner-", ++count, ".log"));
    absl::StatusOr<std::unique_ptr<RunnerProcess>> runner =
        RunnerProcess::Start(program_, log, kStartTimeout);
    MutexLock lock(mutex_);
    failure_ = runner.status();
    if (runner.ok()) {
      spare_ = *std::move(runner);
    } else {
      LogError("runner does not start", {"status", failure_.ToString()});
    }
    changed_.SignalAll();
    if (!runner.ok() && !stopping_) changed_.WaitFor(mutex_, kRetryPause);
  }
}

}  // namespace shoal::agent
