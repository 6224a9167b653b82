#include "core/base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"

extern char** environ;

namespace shoal {
namespace {

using SteadyClock = std::chrono::steady_clock;

SteadyClock::time_point DeadlineAfter(absl::Duration timeout) {
  return SteadyClock::now() + absl::ToChronoNanoseconds(std::min(timeout, absl::Hours(24 * 365)));
}

// Milliseconds until `deadline`, rounded up, for poll().
int MillisecondsUntil(SteadyClock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000'000));
}

std::vector<std::string> EnvironmentOf(const SubprocessOptions& options) {
  std::map<std::string, std::string> values;
  for (char** entry = environ; options.inherit_environment && entry != nullptr && *entry != nullptr;
       ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      values[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : options.environment) values[name] = value;
  std::vector<std::string> result;
  for (const auto& [name, value] : values) result.push_back(StrCat(name, "=", value));
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The descriptors a child is to have, first moved above all target numbers, so that no dup2 in the
// child overwrites the source of another.
class DescriptorMap {
 public:
  ~DescriptorMap() {
    for (const auto& [target, source] : moved_) close(source);
  }
  DescriptorMap() = default;
  DescriptorMap(const DescriptorMap&) = delete;
  DescriptorMap& operator=(const DescriptorMap&) = delete;

  absl::Status Fill(const std::vector<std::pair<int, int>>& descriptors) {
    int highest = 2;
    for (const auto& [ours, theirs] : descriptors) {
      if (ours < 0 || theirs < 0) {
        return absl::InvalidArgumentError(
            StrCat("descriptor ", ours, " cannot be passed as ", theirs));
      }
      highest = std::max(highest, theirs);
    }
    for (const auto& [ours, theirs] : descriptors) {
      const int source = fcntl(ours, F_DUPFD_CLOEXEC, highest + 1);
      if (source < 0) return ErrnoStatus(errno, StrCat("passing descriptor ", ours));
      if (!moved_.emplace(theirs, source).second) {
        close(source);
        return absl::InvalidArgumentError(
            StrCat("two descriptors for number ", theirs, " of the child"));
      }
    }
    return absl::OkStatus();
  }

  void AddActions(posix_spawn_file_actions_t* actions) const {
    int last = 2;
    if (!moved_.contains(0)) posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    for (const auto& [target, source] : moved_) {
      posix_spawn_file_actions_adddup2(actions, source, target);
      for (int gap = last + 1; gap < target; ++gap) posix_spawn_file_actions_addclose(actions, gap);
      last = std::max(last, target);
    }
    posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
  }

 private:
  std::map<int, int> moved_;  // child's number -> ours
};

}  // namespace

std::string ExitStatus::ToString() const {
  if (signal == 0) return StrCat("exited with code ", code);
  const char* name = sigabbrev_np(signal);
  return StrCat("killed by signal ", signal, name != nullptr ? StrCat(" (SIG", name, ")") : "",
                core_dumped ? ", core dumped" : "");
}

absl::StatusOr<Subprocess> Subprocess::Start(const SubprocessOptions& options) {
  if (options.args.empty()) return absl::InvalidArgumentError("starting a program without a name");
  DescriptorMap descriptors;
  SHOAL_RETURN_IF_ERROR(descriptors.Fill(options.descriptors), "starting ", options.args[0]);

  posix_spawn_file_actions_t actions;
  SHOAL_CHECK(posix_spawn_file_actions_init(&actions) == 0);
  absl::Cleanup destroy_actions = [&actions] { posix_spawn_file_actions_destroy(&actions); };
  if (!options.working_directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, options.working_directory.c_str());
  }
  descriptors.AddActions(&actions);

  // The child starts with no signal blocked or ignored, whatever our threads do.
  posix_spawnattr_t attributes;
  SHOAL_CHECK(posix_spawnattr_init(&attributes) == 0);
  absl::Cleanup destroy_attributes = [&attributes] { posix_spawnattr_destroy(&attributes); };
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (options.new_process_group) flags |= POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&attributes, static_cast<short>(flags));

  std::vector<std::string> args = options.args;
  std::vector<std::string> environment = EnvironmentOf(options);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, args[0].c_str(), &actions, &attributes,
                                 Pointers(args).data(), Pointers(environment).data());
  if (error != 0) {
    const std::string where =
        options.working_directory.empty() ? "" : StrCat(" in ", options.working_directory);
    return ErrnoStatus(error, StrCat("starting ", options.args[0], where));
  }
  const int pidfd =
      static_cast<int>(syscall(SYS_pidfd_open, pid, 0));  // -1 on kernels without: Wait polls
  return Subprocess(pid, pidfd, options.new_process_group);
}

Subprocess::Subprocess(Subprocess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      leads_group_(other.leads_group_),
      exit_(std::exchange(other.exit_, std::nullopt)) {}

Subprocess& Subprocess::operator=(Subprocess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(leads_group_, other.leads_group_);
  std::swap(exit_, other.exit_);
  return *this;
}

Subprocess::~Subprocess() {
  if (pid_ > 0 && !exit_) {
    Kill(SIGKILL).IgnoreError();
    Wait();
  }
  if (pidfd_ >= 0) close(pidfd_);
}

absl::Status Subprocess::Kill(int signal) {
  if (pid_ <= 0 || exit_) return absl::OkStatus();
  if (kill(pid_, signal) == 0 || errno == ESRCH) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("sending signal ", signal, " to process ", pid_));
}

absl::Status Subprocess::KillGroup(int signal) {
  SHOAL_CHECK(leads_group_);
  if (pid_ <= 0 || kill(-pid_, signal) == 0 || errno == ESRCH) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("sending signal ", signal, " to process group ", pid_));
}

std::optional<ExitStatus> Subprocess::Wait(absl::Duration timeout) {
  if (exit_ || pid_ <= 0) return exit_;
  const auto deadline = DeadlineAfter(timeout);
  while (true) {
    int state = 0;
    rusage usage{};
    const pid_t ended = wait4(pid_, &state, WNOHANG, &usage);
    if (ended == pid_) {
      ExitStatus exit;
      exit.code = WIFEXITED(state) ? WEXITSTATUS(state) : 0;
      exit.signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
      exit.core_dumped = WIFSIGNALED(state) && WCOREDUMP(state);
      exit.peak_memory_bytes = int64_t{usage.ru_maxrss} * 1024;
      exit.cpu_time =
          absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
      exit_ = exit;
      return exit_;
    }
    SHOAL_CHECK(ended == 0 || errno == EINTR, "waiting for process ", pid_, ": errno ", errno);
    const int left = MillisecondsUntil(deadline);
    if (left == 0) return std::nullopt;
    if (pidfd_ >= 0) {
      pollfd ready{pidfd_, POLLIN, 0};
      poll(&ready, 1, left);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, 5)));
    }
  }
}

pid_t Subprocess::Detach() {
  if (pidfd_ >= 0) close(std::exchange(pidfd_, -1));
  return std::exchange(pid_, -1);
}

absl::StatusOr<CapturedRun> RunAndCapture(SubprocessOptions options, absl::Duration timeout) {
  constexpr size_t kMostBytes = size_t{64} << 20;
  const auto deadline = DeadlineAfter(timeout);
  int pipes[2][2] = {{-1, -1}, {-1, -1}};
  absl::Cleanup close_pipes = [&pipes] {
    for (const auto& ends : pipes) {
      for (int fd : ends) {
        if (fd >= 0) close(fd);
      }
    }
  };
  std::erase_if(options.descriptors,
                [](const auto& entry) { return entry.second == 1 || entry.second == 2; });
  for (int i = 0; i < 2; ++i) {
    if (pipe2(pipes[i], O_CLOEXEC) != 0) return ErrnoStatus(errno, "making a pipe");
    options.descriptors.emplace_back(pipes[i][1], i + 1);
  }
  SHOAL_ASSIGN_OR_RETURN(Subprocess child, Subprocess::Start(options));
  for (auto& ends : pipes) close(std::exchange(ends[1], -1));

  CapturedRun run;
  std::string* const texts[2] = {&run.out, &run.err};
  std::vector<char> buffer(size_t{1} << 16);
  while (pipes[0][0] >= 0 || pipes[1][0] >= 0) {
    pollfd ready[2] = {{pipes[0][0], POLLIN, 0}, {pipes[1][0], POLLIN, 0}};
    const int left = MillisecondsUntil(deadline);
    if (left == 0) {
      return absl::DeadlineExceededError(StrCat(options.args[0], " ran longer than ",
                                                absl::FormatDuration(timeout), " and was killed"));
    }
    if (poll(ready, 2, left) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (ready[i].fd < 0 || ready[i].revents == 0) continue;
      const ssize_t count = read(ready[i].fd, buffer.data(), buffer.size());
      if (count > 0) {
        texts[i]->append(buffer.data(), static_cast<size_t>(count));
      } else if (count == 0 || errno != EINTR) {
        close(std::exchange(pipes[i][0], -1));
      }
      if (texts[i]->size() > kMostBytes) {
        return absl::ResourceExhaustedError(StrCat(options.args[0], " printed more than 64 MiB"));
      }
    }
  }
  const std::optional<ExitStatus> end = child.Wait(
      absl::FromChrono(std::max(deadline - SteadyClock::now(), SteadyClock::duration::zero())));
  if (!end) {
    return absl::DeadlineExceededError(StrCat(options.args[0], " ran longer than ",
                                              absl::FormatDuration(timeout), " and was killed"));
  }
  run.exit = *end;
  return run;
}

}  // namespace shoal
