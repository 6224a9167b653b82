// The coordinator as one object: it decides which worker does what, remembers everything in SQLite,
// and answers over gRPC. Nothing here computes a model.
//
//   CoordinatorOptions options;
//   options.data_dir = "/srv/shoal";
//   options.socket_path = options.data_dir + "/run/coordinator.sock";
//   SHOAL_ASSIGN_OR_RETURN(auto coordinator, Coordinator::Start(std::move(options)));
//   while (!coordinator->WaitForShutdown(absl::Seconds(1))) { /* look for signals */ }
//   coordinator->Stop(absl::Seconds(5));
//
// Start order: lock of the data folder, database (migrated), loop thread, server; stopping goes the
// other way. Several coordinators may live in one process, each with its own data folder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"

namespace shoal {

struct CoordinatorOptions {
  // Everything the lab remembers: shoal.db, artifacts/, coordinator.lock. Made (0700) when absent.
  // Must be on a local disk: SQLite's locks cannot be trusted on a network file system.
  std::string data_dir;

  // Unix socket to listen on; its folder is made with 0700, and refused when others may enter it.
  // At most 107 bytes. Empty: no Unix socket.
  std::string socket_path;

  // "0.0.0.0:7411", "laptop:7411", port 0 for any free one. There is no TCP without TLS and a key:
  // the certificate, the key and the join file that carries both are made when the data folder has
  // none (coordinator/identity/identity.h). Empty: no TCP. At least one of socket_path and
  // tcp_address is needed.
  std::string tcp_address;
  // What other machines call the lab, HOST:PORT (port 0: the one listened on); empty: what
  // tcp_address says, or this machine's first address when that stands for all of them.
  std::string advertise;

  std::string version;   // for GetLab
  std::string build_id;  // for GetLab

  // How long an attempt may go on without a word from its worker before another may start. Outlives
  // short outages.
  absl::Duration lease = absl::Minutes(5);
  // A serve attempt that answered nobody for this long ends and gives its slots back.
  absl::Duration serve_idle_timeout = absl::Minutes(10);
  // Events waiting for the loop; a full queue answers RESOURCE_EXHAUSTED.
  int queue_capacity = 4096;

  // The Shutdown call is answered only where this is set (embedded labs), and only over the Unix
  // socket.
  bool allow_shutdown = false;

  // Null: the system's clock. Must outlive the coordinator.
  const Clock* clock = nullptr;
};

// Thread-safe.
class Coordinator {
 public:
  // Returns when the lab is ready to be called. Errors: FailedPrecondition (another coordinator has
  // the data folder, naming its pid; a network file system; a database newer than this program; an
  // expired certificate), InvalidArgument (addresses), Unavailable (an address is taken, or not
  // this machine's), PermissionDenied (a privileged port), DataLoss (a damaged database); each
  // message says what to do.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(CoordinatorOptions options);

  // Stops as Stop(ZeroDuration()) does, unless that has happened.
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // True once a Shutdown call came in; waits for that at most `timeout` of real time.
  bool WaitForShutdown(absl::Duration timeout);
  // The reason given with that call, and how long it allows calls in progress to end.
  std::string shutdown_reason() const;
  absl::Duration shutdown_grace() const;

  // Refuses new calls, gives those in progress `grace` to end, commits what the loop still holds,
  // closes the database. Workers train on and reconnect to the next coordinator of this data
  // folder. Idempotent.
  void Stop(absl::Duration grace);

  const std::string& data_dir() const;
  const std::string& socket_path() const;
  // The port really listened on; 0 without TCP.
  int tcp_port() const;
  // What other machines call the lab; empty without TCP.
  const std::string& advertised() const;
  // The join file; empty without TCP, and when somebody took it away.
  const std::string& join_file() const;

 private:
  struct Parts;
  explicit Coordinator(std::unique_ptr<Parts> parts);
  // Owned in start order; destroyed in the opposite one. Constant after construction.
  std::unique_ptr<Parts> parts_;
};

}  // namespace shoal
