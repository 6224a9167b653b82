// The lab a command talks to: the one named with --lab, or the embedded lab of the user's data
// folder, which is started when it is not running.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/join/endpoint.h"
#include "shoal/v1/artifact_service.grpc.pb.h"
#include "shoal/v1/lab_service.grpc.pb.h"

namespace shoal::cli {

struct LabOptions {
  std::string address;           // a join file, "unix:/path"; empty: the embedded lab of data_dir
  std::string data_dir;          // of the embedded lab
  bool start = true;             // start the embedded lab when it is not running
  bool quiet = false;            // do not say that it was started
  const Clock* clock = nullptr;  // never null once main has set it; outlives everything
};

// A connection. Thread-safe.
class Lab {
 public:
  // Connects, starting the embedded lab if need be, and makes sure that it answers.
  // Errors: Unavailable, Unauthenticated (the key or the certificate is wrong) and those of
  // join::FindEndpoint, saying what was tried and what to do.
  static absl::StatusOr<Lab> Connect(const LabOptions& options);

  v1::LabService::Stub& service() { return *service_; }
  v1::ArtifactService::Stub& artifacts() { return *artifacts_; }
  const LabOptions& options() const { return options_; }
  const join::Endpoint& endpoint() const { return endpoint_; }

 private:
  LabOptions options_;
  join::Endpoint endpoint_;
  std::unique_ptr<v1::LabService::Stub> service_;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts_;
};

// Calls one unary method with a deadline; the answer, or the status as ours.
//   Call(lab.service(), &v1::LabService::Stub::GetRun, request)
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, absl::Duration timeout = absl::Seconds(60));

// gRPC's status as ours.
absl::Status FromGrpc(const grpc::Status& status);
// A context whose deadline is `timeout` from now.
void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);
// A random id for a mutation, so that it may be repeated.
std::string NewRequestId();

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, absl::Duration timeout) {
  grpc::ClientContext context;
  SetDeadline(context, timeout);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

}  // namespace shoal::cli
