#include "coordinator/coordinator.h"

#include <algorithm>
#include <utility>

#include "coordinator/loop/loop.h"
#include "coordinator/rpc/server.h"
#include "coordinator/store/store.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/base/status.h"

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

  std::unique_ptr<store::Store> store;
  std::unique_ptr<loop::Loop> loop;
  std::unique_ptr<rpc::Server> server;

  const Clock& clock() const { return options.clock != nullptr ? *options.clock : system_clock; }
  loop::Loop::Options LoopOptions() const;
  rpc::ServerOptions ServerOptions();
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
  server_options.tcp_address = options.tcp_address;
  server_options.version = options.version;
  server_options.build_id = options.build_id;
  server_options.started_at = clock().Now();
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

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(CoordinatorOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  SHOAL_ASSIGN_OR_RETURN(parts->store, store::Store::Open(parts->options.data_dir, parts->clock()));
  SHOAL_ASSIGN_OR_RETURN(parts->loop,
                         loop::Loop::Make(parts->LoopOptions(), *parts->store, parts->clock()));
  parts->server = rpc::Server::Make(parts->ServerOptions(), *parts->loop, *parts->store);
  parts->loop->Start({&parts->server->observer()});
  std::unique_ptr<Coordinator> coordinator(
      new Coordinator(std::move(parts)));  // from here on Stop cleans up
  SHOAL_RETURN_IF_ERROR(coordinator->parts_->server->Listen());
  LogInfo("coordinator started", {"data_dir", coordinator->data_dir()},
          {"socket", coordinator->socket_path()}, {"port", coordinator->tcp_port()});
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

}  // namespace shoal
