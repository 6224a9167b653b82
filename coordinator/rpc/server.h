// The listening side: addresses, the three services, gRPC's health and reflection, and an orderly
// end.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/loop/loop.h"
#include "coordinator/store/store.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::rpc {

struct ServerOptions {
  std::string socket_path;  // empty: none
  std::string tcp_address;  // empty: none
  std::string version;
  std::string build_id;
  absl::Time started_at;
  absl::Duration serve_idle_timeout = absl::Minutes(10);
  bool allow_shutdown = false;
  std::function<void(const v1::ShutdownRequest&)> on_shutdown;
};

// Thread-safe.
class Server {
 public:
  // Prepares the services; observer() then has to be given to the loop before it starts. Nothing is
  // listened on yet.
  static std::unique_ptr<Server> Make(ServerOptions options, loop::Loop& loop, store::Store& store);
  // Errors: InvalidArgument (addresses), FailedPrecondition (a socket folder that others may
  // enter), Unavailable (taken).
  virtual absl::Status Listen() = 0;
  virtual loop::Observer& observer() = 0;
  virtual int tcp_port() const = 0;
  // Sends followers and askers away, refuses new calls, gives the others `grace`. The loop must
  // still run. Idempotent.
  virtual void Stop(absl::Duration grace) = 0;
  virtual ~Server() = default;
};

// "127.0.0.1:7411", "localhost:0", "[::1]:80": fine. Everything else is InvalidArgument, saying
// why.
absl::Status CheckTcpAddress(const std::string& address);

}  // namespace shoal::rpc
