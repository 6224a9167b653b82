// The programs that `shoal` is composed of, as its commands see them. cli/main.cc alone links and
// fills them in, so that no command depends on the coordinator's or the worker's code.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/join/endpoint.h"

namespace shoal::cli {

// A coordinator in this process.
class RunningCoordinator {
 public:
  virtual ~RunningCoordinator() = default;
  // True once somebody called Shutdown; waits for that at most `timeout`.
  virtual bool WaitForShutdown(absl::Duration timeout) = 0;
  virtual std::string shutdown_reason() const = 0;
  virtual int tcp_port() const = 0;  // the one really listened on; 0 without TCP
  // What other machines call the lab, and the file they join it with; empty without TCP.
  virtual std::string advertised() const = 0;
  virtual std::string join_file() const = 0;
  virtual void Stop(absl::Duration grace) = 0;
};

// A worker in this process.
class RunningWorker {
 public:
  virtual ~RunningWorker() = default;
  virtual bool WaitUntilEnded(absl::Duration timeout) = 0;
  virtual absl::Status why_ended() const = 0;  // OK unless it ended by itself
  virtual void Stop(absl::Duration grace) = 0;
};

struct CoordinatorSetup {
  std::string data_dir;
  std::string socket_path;
  std::string tcp_address;  // HOST:PORT for other machines; empty: none
  std::string advertise;    // what they call it; empty: found out
  absl::Duration lease = absl::Minutes(5);
  bool allow_shutdown = false;
};

struct WorkerSetup {
  join::Endpoint coordinator;
  std::string name;
  std::string worker_dir;
  int slots = 0;  // 0: the machine's cores
};

struct Programs {
  std::function<absl::StatusOr<std::unique_ptr<RunningCoordinator>>(const CoordinatorSetup&)>
      start_coordinator;
  std::function<absl::StatusOr<std::unique_ptr<RunningWorker>>(const WorkerSetup&)> start_worker;
  // Makes the key of the lab in a data folder anew; answers whether its certificate is new too.
  std::function<absl::StatusOr<bool>(const std::string& data_dir)> rotate_key;
};

}  // namespace shoal::cli
