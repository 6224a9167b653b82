#include "coordinator/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <unistd.h>

#include <utility>

#include "coordinator/rpc/followers.h"
#include "coordinator/rpc/key_guard.h"
#include "coordinator/rpc/listening.h"
#include "coordinator/rpc/serve_broker.h"
#include "coordinator/rpc/services.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/join/channel.h"
#include "google/protobuf/generated_message_util.h"
#include "shoal/v1/artifact_service.pb.h"

namespace shoal::rpc {
namespace {

constexpr int kMaxMessageBytes = 64 << 20;

// Connections: a client that asks whether they live as often as ours do is welcome; one that is
// gone without a goodbye is noticed; one that does not finish its handshake is sent away.
void SetConnectionLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(-1);
  const std::pair<const char*, int> arguments[] = {
      {GRPC_ARG_ALLOW_REUSEPORT, 0},  // a taken port is an error, not shared silently
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, join::kShortestPingIntervalMs},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_KEEPALIVE_TIME_MS, 60'000},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, join::kKeepAliveTimeoutMs},
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20'000},
      {GRPC_ARG_MAX_METADATA_SIZE, 16 << 10},
      {GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000},
  };
  for (const auto& [name, value] : arguments) builder.AddChannelArgument(name, value);
}

class ServerImpl final : public Server, public loop::Observer {
 public:
  ServerImpl(ServerOptions options, loop::Loop& loop, store::Store& store)
      : options_(std::move(options)),
        broker_(loop, options_.serve_idle_timeout),
        lab_({options_.version, options_.build_id, store.folder().path(), options_.started_at,
              options_.clock, options_.allow_shutdown, options_.on_shutdown},
             loop, store, followers_, broker_),
        worker_(loop, broker_),
        artifact_(loop, store),
        loop_(loop) {}
  ~ServerImpl() override { Stop(absl::ZeroDuration()); }

  absl::Status Listen() override;
  loop::Observer& observer() override { return *this; }
  int tcp_port() const override { return tcp_port_; }
  void Stop(absl::Duration grace) override;

  void OnCommitted(const loop::Committed& committed) override { followers_.OnCommitted(committed); }
  void OnServeEnded(const scheduler::AttemptKey& key, const std::string& reason,
                    const loop::View& view) override {
    broker_.OnServeEnded(key, reason, view);
  }

 private:
  std::shared_ptr<grpc::ServerCredentials> NetworkCredentials() const;

  const ServerOptions options_;
  Followers followers_;
  ServeBroker broker_;
  LabServiceImpl lab_;
  WorkerServiceImpl worker_;
  ArtifactServiceImpl artifact_;
  loop::Loop& loop_;
  int tcp_port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// TLS with the lab's certificate, and its key with every call.
std::shared_ptr<grpc::ServerCredentials> ServerImpl::NetworkCredentials() const {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  tls.pem_key_cert_pairs.push_back({options_.private_key, options_.certificate});
  const auto credentials = grpc::SslServerCredentials(tls);
  credentials->SetAuthMetadataProcessor(NewKeyGuard(options_.key_digest_path, *options_.clock));
  return credentials;
}

absl::Status ServerImpl::Listen() {
  if (options_.socket_path.empty() && !options_.tcp_address.has_value()) {
    return absl::InvalidArgumentError(
        "a coordinator needs a Unix socket or a TCP address to listen on");
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Reflection knows the files that are linked, and nothing else keeps this one, which has no
  // message.
  google::protobuf::internal::StrongReference(
      descriptor_table_shoal_2fv1_2fartifact_5fservice_2eproto);
  grpc::ServerBuilder builder;
  SetConnectionLimits(builder);
  builder.RegisterService(&lab_);
  builder.RegisterService(&worker_);
  builder.RegisterService(&artifact_);
  int unix_bound = 1;
  if (!options_.socket_path.empty()) {
    SHOAL_RETURN_IF_ERROR(PrepareSocket(options_.socket_path));
    builder.AddListeningPort(StrCat("unix:", options_.socket_path),
                             grpc::InsecureServerCredentials(), &unix_bound);
  }
  std::string tcp;
  if (options_.tcp_address.has_value()) {
    tcp = options_.tcp_address->ToString();
    builder.AddListeningPort(tcp, NetworkCredentials(), &tcp_port_);
  }
  server_ = builder.BuildAndStart();
  if (server_ != nullptr && unix_bound != 0 && (tcp.empty() || tcp_port_ != 0)) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(StrCat("cannot listen on ", options_.socket_path,
                                       tcp.empty() ? "" : " and ", tcp, ": is the address taken?"));
}

void ServerImpl::Stop(absl::Duration grace) {
  followers_.Close();
  broker_.Close();
  loop_.Drain();
  if (server_ == nullptr) return;
  server_->Shutdown(gpr_time_from_micros(absl::ToInt64Microseconds(grace), GPR_TIMESPAN));
  server_->Wait();
  server_.reset();
  if (!options_.socket_path.empty()) unlink(options_.socket_path.c_str());
}

}  // namespace

std::unique_ptr<Server> Server::Make(ServerOptions options, loop::Loop& loop, store::Store& store) {
  return std::make_unique<ServerImpl>(std::move(options), loop, store);
}

}  // namespace shoal::rpc
