#include "worker/agent/coordinator_client.h"

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/file.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/join/channel.h"
#include "shoal/v1/artifact_service.grpc.pb.h"
#include "shoal/v1/worker_service.grpc.pb.h"

namespace shoal::agent {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(30);
constexpr int64_t kChunkBytes = int64_t{1} << 20;
constexpr int64_t kSlowestBytesPerSecond = int64_t{1} << 20;
constexpr int kMaxMessageBytes = 16 << 20;

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()), AbslView(status.error_message())};
}

// One connection and its stubs. Shared by the client and the calls in flight, so that a newer one
// can take its place while they end.
struct Connection {
  explicit Connection(const std::shared_ptr<grpc::Channel>& channel)
      : workers(v1::WorkerService::NewStub(channel)),
        artifacts(v1::ArtifactService::NewStub(channel)) {}
  const std::unique_ptr<v1::WorkerService::Stub> workers;
  const std::unique_ptr<v1::ArtifactService::Stub> artifacts;
};

std::shared_ptr<Connection> NewConnection(const join::Endpoint& endpoint) {
  grpc::ChannelArguments arguments = join::LabChannelArguments();
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Also the least time that a connection is given to come about: over a network, TLS takes some
  // round trips.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, endpoint.is_local() ? 100 : 10'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return std::make_shared<Connection>(join::OpenChannel(endpoint, arguments));
}

// The calls in flight, so that all of them can be ended. Thread-safe.
class CallRegistry {
 public:
  // False: no calls any more.
  bool Add(grpc::ClientContext* context) {
    MutexLock lock(mutex_);
    if (shut_) return false;
    calls_.insert(context);
    return true;
  }
  void Remove(grpc::ClientContext* context) {
    MutexLock lock(mutex_);
    calls_.erase(context);
  }
  void Shutdown() {
    MutexLock lock(mutex_);
    shut_ = true;
    for (grpc::ClientContext* context : calls_) context->TryCancel();
  }

 private:
  Mutex mutex_;
  std::set<grpc::ClientContext*> calls_ SHOAL_GUARDED_BY(mutex_);
  bool shut_ SHOAL_GUARDED_BY(mutex_) = false;
};

// One call's context, registered while it lives.
class Call {
 public:
  explicit Call(CallRegistry& registry) : registry_(registry), live_(registry.Add(&context_)) {}
  Call(CallRegistry& registry, absl::Duration timeout) : Call(registry) {
    const gpr_timespec span =
        gpr_time_from_millis(absl::ToInt64Milliseconds(timeout), GPR_TIMESPAN);
    context_.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), span));
  }
  ~Call() { registry_.Remove(&context_); }
  bool live() const { return live_; }
  grpc::ClientContext& context() { return context_; }

 private:
  CallRegistry& registry_;
  grpc::ClientContext context_;
  const bool live_;
};

absl::Status IsShutDown() { return absl::CancelledError("the worker is stopping"); }

class GrpcServeStream final : public ServeStream {
 public:
  GrpcServeStream(CallRegistry& registry, std::shared_ptr<Connection> connection)
      : call_(registry), connection_(std::move(connection)) {
    if (call_.live()) stream_ = connection_->workers->Serve(&call_.context());
  }
  // gRPC wants a stream that was begun to be finished.
  ~GrpcServeStream() override {
    call_.context().TryCancel();
    if (stream_ != nullptr) stream_->Finish();
  }
  bool Read(v1::ServeDown& frame) override { return stream_ != nullptr && stream_->Read(&frame); }
  bool Write(const v1::ServeUp& frame) override {
    return stream_ != nullptr && stream_->Write(frame);
  }
  void Cancel() override { call_.context().TryCancel(); }

 private:
  Call call_;
  const std::shared_ptr<Connection> connection_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ServeUp, v1::ServeDown>> stream_;
};

class GrpcCoordinatorClient final : public CoordinatorClient {
 public:
  explicit GrpcCoordinatorClient(join::Endpoint endpoint) : endpoint_(std::move(endpoint)) {
    MutexLock lock(mutex_);
    connection_ = NewConnection(endpoint_);
  }

  absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) override {
    return Unary<v1::RegisterResponse>(
        kCallTimeout, [&](Connection& connection, grpc::ClientContext* context, auto* answer) {
          return connection.workers->Register(context, request, answer);
        });
  }

  absl::StatusOr<v1::SynchronizeResponse> Synchronize(const v1::SynchronizeRequest& request,
                                                      absl::Duration timeout) override;
  void WakeSynchronize() override {
    MutexLock lock(mutex_);
    woken_ = true;
    if (synchronizing_ != nullptr) synchronizing_->TryCancel();
  }

  absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request) override {
    return Unary<v1::ReportResponse>(
        kCallTimeout, [&](Connection& connection, grpc::ClientContext* context, auto* answer) {
          return connection.workers->Report(context, request, answer);
        });
  }

  std::unique_ptr<ServeStream> Serve() override {
    return std::make_unique<GrpcServeStream>(calls_, CurrentConnection());
  }

  absl::Status Upload(const std::string& path, const v1::ArtifactRef& artifact) override;
  absl::Status Download(const std::string& sha256,
                        const std::function<absl::Status(std::string_view)>& sink) override;
  void Shutdown() override { calls_.Shutdown(); }

 private:
  std::shared_ptr<Connection> CurrentConnection() {
    MutexLock lock(mutex_);
    return connection_;
  }

  // A socket that was taken away and made anew is found again by a new channel only as fast as
  // gRPC's back-off allows; a fresh channel tries at once.
  absl::Status Judge(const std::shared_ptr<Connection>& used, const grpc::Status& status) {
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
      MutexLock lock(mutex_);
      if (connection_ == used) connection_ = NewConnection(endpoint_);
    }
    return join::Explain(FromGrpc(status), endpoint_);
  }

  template <typename Answer, typename Method>
  absl::StatusOr<Answer> Unary(absl::Duration timeout, const Method& method) {
    Call call(calls_, timeout);
    if (!call.live()) return IsShutDown();
    const std::shared_ptr<Connection> connection = CurrentConnection();
    Answer answer;
    SHOAL_RETURN_IF_ERROR(Judge(connection, method(*connection, &call.context(), &answer)));
    return answer;
  }

  absl::StatusOr<bool> IsMissing(const std::string& sha256);

  const join::Endpoint endpoint_;
  CallRegistry calls_;
  Mutex mutex_;
  std::shared_ptr<Connection> connection_ SHOAL_GUARDED_BY(mutex_);
  grpc::ClientContext* synchronizing_ SHOAL_GUARDED_BY(mutex_) = nullptr;
  bool woken_ SHOAL_GUARDED_BY(mutex_) = false;
};

absl::StatusOr<v1::SynchronizeResponse> GrpcCoordinatorClient::Synchronize(
    const v1::SynchronizeRequest& request, absl::Duration timeout) {
  return Unary<v1::SynchronizeResponse>(
      timeout, [&](Connection& connection, grpc::ClientContext* context, auto* answer) {
        {
          MutexLock lock(mutex_);
          if (std::exchange(woken_, false))
            return grpc::Status(grpc::StatusCode::CANCELLED, "woken");
          synchronizing_ = context;
        }
        const grpc::Status status = connection.workers->Synchronize(context, request, answer);
        MutexLock lock(mutex_);
        synchronizing_ = nullptr;
        woken_ = false;  // whoever called wanted a fresh request, and that is what comes next
        return status;
      });
}

absl::StatusOr<bool> GrpcCoordinatorClient::IsMissing(const std::string& sha256) {
  v1::FindArtifactsRequest request;
  request.add_sha256(sha256);
  SHOAL_ASSIGN_OR_RETURN(
      const v1::FindArtifactsResponse answer,
      Unary<v1::FindArtifactsResponse>(
          kCallTimeout, [&](Connection& connection, grpc::ClientContext* context, auto* out) {
            return connection.artifacts->Find(context, request, out);
          }));
  return answer.missing_size() > 0;
}

absl::Status GrpcCoordinatorClient::Upload(const std::string& path,
                                           const v1::ArtifactRef& artifact) {
  SHOAL_ASSIGN_OR_RETURN(const bool missing, IsMissing(artifact.sha256()));
  if (!missing) return absl::OkStatus();
  RealFileSystem files;
  Call call(calls_, kCallTimeout + absl::Seconds(artifact.size_bytes() / kSlowestBytesPerSecond));
  if (!call.live()) return IsShutDown();
  const std::shared_ptr<Connection> connection = CurrentConnection();
  v1::PutArtifactResponse answer;
  const auto writer = connection->artifacts->Put(&call.context(), &answer);
  v1::PutArtifactRequest part;
  *part.mutable_expected() = artifact;
  bool open = writer->Write(part);
  absl::Status read;
  for (int64_t offset = 0; open && offset < artifact.size_bytes(); offset += kChunkBytes) {
    absl::StatusOr<std::string> bytes = files.ReadRange(path, offset, kChunkBytes);
    read = bytes.status();
    if (!read.ok()) {
      call.context().TryCancel();
      break;
    }
    part.set_data(*std::move(bytes));
    open = writer->Write(part);
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  SHOAL_RETURN_IF_ERROR(read);
  return Judge(connection, status);
}

absl::Status GrpcCoordinatorClient::Download(
    const std::string& sha256, const std::function<absl::Status(std::string_view)>& sink) {
  // A download's length is not known beforehand; a dead connection is noticed by keep-alive.
  Call call(calls_);
  if (!call.live()) return IsShutDown();
  const std::shared_ptr<Connection> connection = CurrentConnection();
  v1::GetArtifactRequest request;
  request.set_sha256(sha256);
  const auto reader = connection->artifacts->Get(&call.context(), request);
  v1::GetArtifactResponse part;
  absl::Status sunk;
  while (sunk.ok() && reader->Read(&part)) sunk = sink(part.data());
  if (!sunk.ok()) call.context().TryCancel();
  const grpc::Status status = reader->Finish();
  SHOAL_RETURN_IF_ERROR(sunk);
  return Judge(connection, status);
}

}  // namespace

std::unique_ptr<CoordinatorClient> CoordinatorClient::Connect(const join::Endpoint& endpoint) {
  return std::make_unique<GrpcCoordinatorClient>(endpoint);
}

}  // namespace shoal::agent
