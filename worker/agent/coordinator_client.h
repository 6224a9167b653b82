// The coordinator as a worker sees it: the calls of WorkerService and ArtifactService, each with a
// deadline, over a channel that comes back when the coordinator does. gRPC stays behind this page.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/join/endpoint.h"
#include "shoal/v1/artifact_service.pb.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::agent {

// A Serve stream. One thread reads, one writes.
class ServeStream {
 public:
  virtual ~ServeStream() = default;
  // False: the stream is over.
  virtual bool Read(v1::ServeDown& frame) = 0;
  virtual bool Write(const v1::ServeUp& frame) = 0;
  // Wakes both; may be called by any thread.
  virtual void Cancel() = 0;
};

// Thread-safe. UNAVAILABLE and DEADLINE_EXCEEDED mean that the coordinator is away: try again.
// UNAUTHENTICATED means that it never will let us in.
class CoordinatorClient {
 public:
  virtual ~CoordinatorClient() = default;

  // Requires join::Check(endpoint) to be OK.
  static std::unique_ptr<CoordinatorClient> Connect(const join::Endpoint& endpoint);

  virtual absl::StatusOr<v1::RegisterResponse> Register(const v1::RegisterRequest& request) = 0;
  // Waits for the answer at most `timeout`. CANCELLED: WakeSynchronize was called.
  virtual absl::StatusOr<v1::SynchronizeResponse> Synchronize(const v1::SynchronizeRequest& request,
                                                              absl::Duration timeout) = 0;
  // Ends the Synchronize that waits now.
  virtual void WakeSynchronize() = 0;
  virtual absl::StatusOr<v1::ReportResponse> Report(const v1::ReportRequest& request) = 0;
  virtual std::unique_ptr<ServeStream> Serve() = 0;

  // Hands over the file at `path` unless it is there already. Errors: those of reading;
  // InvalidArgument (its bytes do not have that digest); ResourceExhausted (the coordinator's disk
  // is full).
  virtual absl::Status Upload(const std::string& path, const v1::ArtifactRef& artifact) = 0;
  // Hands the artifact's bytes to `sink`; stops at its first error. Errors: NotFound, DataLoss.
  virtual absl::Status Download(const std::string& sha256,
                                const std::function<absl::Status(std::string_view)>& sink) = 0;

  // Ends every call, those to come included: they answer CANCELLED.
  virtual void Shutdown() = 0;
};

}  // namespace shoal::agent
