// Checks of what comes in over the wire, before anything is done with it. Each lists every
// violation with its path. Pure functions, thread-safe.
#pragma once

#include "absl/status/status.h"
#include "shoal/v1/artifact.pb.h"
#include "shoal/v1/inference.pb.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::rpc {

// All: InvalidArgument.
absl::Status Check(const v1::RegisterRequest& request);
absl::Status Check(const v1::SynchronizeRequest& request);
absl::Status Check(const v1::ReportRequest& request);
absl::Status Check(const v1::ServeOpen& open);
absl::Status Check(const v1::GenerateRequest& request);
absl::Status Check(const v1::ArtifactRef& artifact);

}  // namespace shoal::rpc
