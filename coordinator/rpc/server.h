// The listening side: addresses, the three services, gRPC's health and reflection, and an orderly
// end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/loop/loop.h"
#include "coordinator/store/store.h"
#include "core/base/clock.h"
#include "core/join/address.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::rpc {

struct ServerOptions {
  std::string socket_path;  // empty: none
  // None: no TCP. Over TCP there is TLS with this certificate (PEM), and a call passes only with
  // the key whose digest is in the file at key_digest_path.
  std::optional<join::Address> tcp_address;
  std::string certificate;
  std::string private_key;
  std::string key_digest_path;
  std::string version;
  std::string build_id;
  absl::Time started_at;
  const Clock* clock = nullptr;  // never null; outlives the server
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
  // Errors: those of PrepareSocket (coordinator/rpc/listening.h); Unavailable.
  virtual absl::Status Listen() = 0;
  virtual loop::Observer& observer() = 0;
  virtual int tcp_port() const = 0;
  // Sends followers and askers away, refuses new calls, gives the others `grace`. The loop must
  // still run. Idempotent.
  virtual void Stop(absl::Duration grace) = 0;
  virtual ~Server() = default;
};

}  // namespace shoal::rpc
