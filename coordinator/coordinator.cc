#include "coordinator/coordinator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/identity/host_names.h"
#include "coordinator/identity/identity.h"
#include "coordinator/loop/loop.h"
#include "coordinator/rpc/listening.h"
#include "coordinator/rpc/server.h"
#include "coordinator/store/store.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/join/address.h"
#include "core/join/join_file.h"

namespace shoal {

// In start order. Stop() ends the threads the other way round; only then are the parts destroyed.
struct Coordinator::Parts {
  CoordinatorOptions options;
  SystemClock system_clock;

  Mutex mutex;
  CondVar shutdown_asked;
  bool shutdown SHOAL_GUARDED_BY(mutex) = false;
  std::string shutdown_reason SHOAL_GUARDED_BY(mutex);
  absl::Duration shutdown_grace SHOAL_GUARDED_BY(mutex);
  bool stopped SHOAL_GUARDED_BY(mutex) = false;

  // Constant after Start.
  std::optional<identity::Identity> identity;  // with TCP
  std::string advertised;
  std::string join_file;

  std::unique_ptr<store::Store> store;
  std::unique_ptr<loop::Loop> loop;
  std::unique_ptr<rpc::Server> server;

  const Clock& clock() const { return options.clock != nullptr ? *options.clock : system_clock; }
  loop::Loop::Options LoopOptions() const;
  rpc::ServerOptions ServerOptions();
  // Both do nothing without TCP. Before listening, and after it, when the port is known.
  absl::Status PrepareNetwork(rpc::ServerOptions& server_options);
  absl::Status OfferJoinFile();
};

loop::Loop::Options Coordinator::Parts::LoopOptions() const {
  loop::Loop::Options loop_options;
  loop_options.config.lease = options.lease;
  // Enough for a runner to be killed; short where leases are.
  loop_options.config.lease_grace = std::min(absl::Seconds(5), options.lease / 2);
  loop_options.queue_capacity = static_cast<size_t>(std::max(options.queue_capacity, 1));
  return loop_options;
}

rpc::ServerOptions Coordinator::Parts::ServerOptions() {
  rpc::ServerOptions server_options;
  server_options.socket_path = options.socket_path;
  server_options.version = options.version;
  server_options.build_id = options.build_id;
  server_options.started_at = clock().Now();
  server_options.clock = &clock();
  server_options.serve_idle_timeout = options.serve_idle_timeout;
  server_options.allow_shutdown = options.allow_shutdown;
  server_options.on_shutdown = [this](const v1::ShutdownRequest& request) {
    MutexLock lock(mutex);
    shutdown = true;
    shutdown_reason = request.reason();
    shutdown_grace =
        absl::Seconds(request.grace().seconds()) + absl::Nanoseconds(request.grace().nanos());
    shutdown_asked.SignalAll();
  };
  return server_options;
}

absl::Status Coordinator::Parts::PrepareNetwork(rpc::ServerOptions& server_options) {
  if (options.tcp_address.empty()) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(server_options.tcp_address, join::ParseAddress(options.tcp_address),
                         "--listen");
  const join::Address& listen = *server_options.tcp_address;
  join::Address reached{identity::ReachableName(listen.host), 0};
  if (!options.advertise.empty()) {
    SHOAL_ASSIGN_OR_RETURN(reached, join::ParseAddress(options.advertise), "--advertise");
    if (join::IsAnyAddress(reached.host)) {
      return absl::InvalidArgumentError(StrCat("--advertise: ", options.advertise,
                                               " is no address that another machine can reach"));
    }
  }
  // A port that cannot be had leaves no trace.
  SHOAL_RETURN_IF_ERROR(rpc::CheckPort(listen));
  SHOAL_ASSIGN_OR_RETURN(
      identity, identity::LoadOrMake(options.data_dir, listen.host, reached.host, clock().Now()));
  server_options.certificate = identity->certificate;
  server_options.private_key = identity->private_key;
  server_options.key_digest_path = identity::KeyDigestPath(options.data_dir);
  advertised = reached.ToString();
  return absl::OkStatus();
}

absl::Status Coordinator::Parts::OfferJoinFile() {
  if (!identity.has_value()) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(join::Address reached, join::ParseAddress(advertised));
  if (reached.port == 0) reached.port = server->tcp_port();
  advertised = reached.ToString();
  SHOAL_ASSIGN_OR_RETURN(const bool there,
                         identity::WriteJoinFile(options.data_dir, *identity, reached));
  if (there) join_file = join::JoinFileOf(options.data_dir);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(CoordinatorOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  SHOAL_ASSIGN_OR_RETURN(parts->store, store::Store::Open(parts->options.data_dir, parts->clock()));
  SHOAL_ASSIGN_OR_RETURN(parts->loop,
                         loop::Loop::Make(parts->LoopOptions(), *parts->store, parts->clock()));
  rpc::ServerOptions server_options = parts->ServerOptions();
  SHOAL_RETURN_IF_ERROR(parts->PrepareNetwork(server_options));
  parts->server = rpc::Server::Make(std::move(server_options), *parts->loop, *parts->store);
  parts->loop->Start({&parts->server->observer()});
  std::unique_ptr<Coordinator> coordinator(
      new Coordinator(std::move(parts)));  // from here on Stop cleans up
  SHOAL_RETURN_IF_ERROR(coordinator->parts_->server->Listen());
  SHOAL_RETURN_IF_ERROR(coordinator->parts_->OfferJoinFile());
  LogInfo("coordinator started", {"data_dir", coordinator->data_dir()},
          {"socket", coordinator->socket_path()}, {"port", coordinator->tcp_port()},
          {"advertised", coordinator->advertised()}, {"join_file", coordinator->join_file()});
  return coordinator;
}

Coordinator::Coordinator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Coordinator::~Coordinator() { Stop(absl::ZeroDuration()); }

void Coordinator::Stop(absl::Duration grace) {
  {
    MutexLock lock(parts_->mutex);
    if (std::exchange(parts_->stopped, true)) return;
  }
  parts_->server->Stop(grace);
  parts_->store->readers().Stop();
  parts_->loop->Stop();
  LogInfo("coordinator stopped", {"data_dir", data_dir()});
}

bool Coordinator::WaitForShutdown(absl::Duration timeout) {
  const auto deadline = CondVar::Deadline(timeout);
  MutexLock lock(parts_->mutex);
  while (!parts_->shutdown) {
    if (!parts_->shutdown_asked.WaitUntil(parts_->mutex, deadline)) break;
  }
  return parts_->shutdown;
}

std::string Coordinator::shutdown_reason() const {
  MutexLock lock(parts_->mutex);
  return parts_->shutdown_reason;
}

absl::Duration Coordinator::shutdown_grace() const {
  MutexLock lock(parts_->mutex);
  return parts_->shutdown_grace;
}

const std::string& Coordinator::data_dir() const { return parts_->options.data_dir; }
const std::string& Coordinator::socket_path() const { return parts_->options.socket_path; }
int Coordinator::tcp_port() const { return parts_->server->tcp_port(); }
const std::string& Coordinator::advertised() const { return parts_->advertised; }
const std::string& Coordinator::join_file() const { return parts_->join_file; }

}  // namespace shoal
