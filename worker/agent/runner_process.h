// The runner processes of a worker: started from one thread that lives as long as the agent (a
// runner dies with the thread that started it), one of them always warm and waiting.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "core/base/subprocess.h"
#include "shoal/v1/runner.pb.h"
#include "worker/frames/frame_channel.h"

namespace shoal::agent {

// A runner that has said Hello, and the agent's end of its socket. What it prints goes to the file
// `log_path`.
class RunnerProcess {
 public:
  // Starts shoal-runner and waits for its Hello. Errors: NotFound (no such program), Unavailable
  // (it ended, with its last words), DeadlineExceeded.
  static absl::StatusOr<std::unique_ptr<RunnerProcess>> Start(const std::string& program,
                                                              const std::string& log_path,
                                                              absl::Duration timeout);
  // Kills it when it lives.
  ~RunnerProcess();

  frames::FrameChannel& channel() { return channel_; }
  // Sends a signal / asks how it ended. One thread at a time.
  Subprocess& process() { return process_; }
  pid_t pid() const { return process_.pid(); }
  // Waits at most `timeout` for a frame or the end of file. False: neither came.
  bool WaitReadable(absl::Duration timeout) const;

  const std::string& log_path() const { return log_path_; }
  // What is printed from now on, and was printed before, lies in `path`.
  absl::Status MoveLog(const std::string& path);
  // The end of what it printed; "" when nothing.
  std::string LogTail() const;

 private:
  RunnerProcess(Subprocess process, int socket, std::string log_path)
      : process_(std::move(process)),
        socket_(socket),
        channel_(socket),
        log_path_(std::move(log_path)) {}
  absl::Status AwaitHello(absl::Duration timeout);

  Subprocess process_;
  const int socket_;
  frames::FrameChannel channel_;
  std::string log_path_;
};

// What this machine can compute with: asks a runner of its own. Errors: as RunnerProcess::Start.
absl::StatusOr<v1::Capabilities> ProbeBackends(const std::string& program,
                                               const std::string& log_path);

// Keeps one spare. Thread-safe.
class RunnerPool {
 public:
  // `folder` for the spare's log.
  RunnerPool(std::string program, std::string folder);
  ~RunnerPool();

  // No runners any more: Take answers CANCELLED. Idempotent.
  void Shutdown();

  // A warm runner; the next spare is started at once. Errors: those of starting it.
  absl::StatusOr<std::unique_ptr<RunnerProcess>> Take(absl::Duration timeout);

 private:
  void Main(std::stop_token stop);

  // Constant after construction.
  const std::string program_;
  const std::string folder_;
  // Own synchronisation.
  Mutex mutex_;
  CondVar changed_;
  // Guarded by mutex_.
  std::unique_ptr<RunnerProcess> spare_ SHOAL_GUARDED_BY(mutex_);
  absl::Status failure_ SHOAL_GUARDED_BY(mutex_);  // of the newest start
  int waiting_ SHOAL_GUARDED_BY(mutex_) = 0;       // in Take
  bool stopping_ SHOAL_GUARDED_BY(mutex_) = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace shoal::agent
