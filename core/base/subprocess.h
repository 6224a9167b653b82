// Starting programs. Always posix_spawn, never fork: a fork of a process with threads and a large
// memory is a trap. The child gets stdin from /dev/null unless told otherwise, the descriptors it
// was promised, and no other.
//
//   SubprocessOptions options;
//   options.args = {runner_path, "--frames", "3"};
//   options.descriptors = {{socket, 3}};
//   SHOAL_ASSIGN_OR_RETURN(Subprocess runner, Subprocess::Start(options));
//   std::optional<ExitStatus> end = runner.Wait(absl::Seconds(5));
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace shoal {

// How a process ended, and what it used.
struct ExitStatus {
  int code = 0;    // exit code; 0 when killed
  int signal = 0;  // the signal that killed it; 0 when it exited
  bool core_dumped = false;
  int64_t peak_memory_bytes = 0;  // largest resident set
  absl::Duration cpu_time;        // user and system

  bool ok() const { return code == 0 && signal == 0; }
  // "exited with code 3", "killed by signal 9 (SIGKILL)", "... (SIGSEGV), core dumped".
  std::string ToString() const;
};

struct SubprocessOptions {
  std::vector<std::string>
      args;  // args[0] is the program's path; without a slash, PATH is searched
  // Set in the child beside what this process has; a later entry of the same name wins.
  std::vector<std::pair<std::string, std::string>> environment;
  bool inherit_environment = true;  // false: the child has `environment` only
  // {ours, child's}: the child sees descriptor `ours` under the number `child's`. 0, 1 and 2 may be
  // mapped too; unmapped, stdin is /dev/null, stdout and stderr are ours. Every other descriptor is
  // closed.
  std::vector<std::pair<int, int>> descriptors;
  std::string working_directory;  // empty: ours
  bool new_process_group =
      false;  // the child leads a group of its own; a terminal's Ctrl-C does not reach it
};

// A started process. Destroying the object of a living process kills it (SIGKILL) and waits for it,
// unless Detach was called. Thread-compatible; Kill may be called by another thread than Wait.
class Subprocess {
 public:
  // Errors: what posix_spawn says (NotFound: no such program), naming the program; InvalidArgument:
  // no args.
  static absl::StatusOr<Subprocess> Start(const SubprocessOptions& options);

  Subprocess(Subprocess&& other) noexcept;
  Subprocess& operator=(Subprocess&& other) noexcept;
  ~Subprocess();

  pid_t pid() const { return pid_; }

  // Sends `signal`. OK when the process has ended already.
  absl::Status Kill(int signal);
  // Sends `signal` to the process and all of its group. Requires new_process_group.
  absl::Status KillGroup(int signal);

  // Waits at most `timeout` of real time (zero: looks only) for the end. Nothing: still running.
  // Once ended, the same answer each time.
  std::optional<ExitStatus> Wait(absl::Duration timeout = absl::InfiniteDuration());

  // Lets the process live on; it is no longer waited for by this object. Returns its pid.
  pid_t Detach();

 private:
  Subprocess(pid_t pid, int pidfd, bool leads_group)
      : pid_(pid), pidfd_(pidfd), leads_group_(leads_group) {}

  pid_t pid_ = -1;
  int pidfd_ = -1;
  bool leads_group_ = false;
  std::optional<ExitStatus> exit_;
};

struct CapturedRun {
  ExitStatus exit;
  std::string out;
  std::string err;
};

// Runs a program to its end and keeps what it printed (mapped descriptors 1 and 2 of `options` are
// replaced). Errors: as Start; DeadlineExceeded after `timeout` (the program is killed);
// ResourceExhausted when it printed more than 64 MiB.
absl::StatusOr<CapturedRun> RunAndCapture(SubprocessOptions options, absl::Duration timeout);

}  // namespace shoal
