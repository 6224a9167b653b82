#include "coordinator/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "coordinator/rpc/followers.h"
#include "coordinator/rpc/serve_broker.h"
#include "coordinator/rpc/services.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::rpc {
namespace {

constexpr int kMaxMessageBytes = 64 << 20;

// True when something answers at the socket: it is not a leftover.
bool SomeoneListens(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

absl::Status PrepareSocket(const std::string& path) {
  if (path.size() > 107) {
    return absl::InvalidArgumentError(StrCat("the socket's path has ", path.size(),
                                             " bytes, the system allows 107: ", path,
                                             "; use a shorter data folder"));
  }
  const std::string folder = DirName(path);
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(folder, 0700));
  struct stat info = {};
  if (stat(folder.c_str(), &info) != 0) return ErrnoStatus(errno, StrCat("looking at ", folder));
  if ((info.st_mode & 0077) != 0 || info.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        StrCat("others may enter ", folder,
               ", and whoever can open the socket commands the lab: chmod 700 ", folder));
  }
  if (SomeoneListens(path))
    return absl::UnavailableError(StrCat("another process listens on ", path));
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, StrCat("removing the old ", path));
  return absl::OkStatus();
}

class ServerImpl final : public Server, public loop::Observer {
 public:
  ServerImpl(ServerOptions options, loop::Loop& loop, store::Store& store)
      : options_(std::move(options)),
        broker_(loop, options_.serve_idle_timeout),
        lab_({options_.version, options_.build_id, store.folder().path(), options_.started_at,
              options_.allow_shutdown, options_.on_shutdown},
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

absl::Status ServerImpl::Listen() {
  if (options_.socket_path.empty() && options_.tcp_address.empty()) {
    return absl::InvalidArgumentError(
        "a coordinator needs a Unix socket or a TCP address to listen on");
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT,
                             0);  // a taken port is an error, not shared silently
  builder.RegisterService(&lab_);
  builder.RegisterService(&worker_);
  builder.RegisterService(&artifact_);
  int unix_bound = 1;
  if (!options_.socket_path.empty()) {
    SHOAL_RETURN_IF_ERROR(PrepareSocket(options_.socket_path));
    builder.AddListeningPort(StrCat("unix:", options_.socket_path),
                             grpc::InsecureServerCredentials(), &unix_bound);
  }
  if (!options_.tcp_address.empty()) {
    SHOAL_RETURN_IF_ERROR(CheckTcpAddress(options_.tcp_address));
    builder.AddListeningPort(options_.tcp_address, grpc::InsecureServerCredentials(), &tcp_port_);
  }
  server_ = builder.BuildAndStart();
  if (server_ != nullptr && unix_bound != 0 && (options_.tcp_address.empty() || tcp_port_ != 0)) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(StrCat("cannot listen on ", options_.socket_path,
                                       options_.tcp_address.empty() ? "" : " and ",
                                       options_.tcp_address, ": is the address taken?"));
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

absl::Status CheckTcpAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon == std::string::npos ? address.size() : colon);
  int port = -1;
  const bool number =
      colon != std::string::npos && absl::SimpleAtoi(address.substr(colon + 1), &port);
  if (!number || port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        StrCat("\"", address, "\" is not host:port, as in 127.0.0.1:7411"));
  }
  if (host == "127.0.0.1" || host == "localhost" || host == "[::1]") return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("refusing to listen on ", address,
             ": connections are not encrypted yet, so only this machine may connect "
             "(127.0.0.1, localhost, [::1]); reach it from elsewhere through ssh -L"));
}

}  // namespace shoal::rpc
