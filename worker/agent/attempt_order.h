// From what the coordinator leased to what a runner is told: everything made local, everything
// resolved.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "shoal/v1/runner.pb.h"
#include "shoal/v1/worker_service.pb.h"
#include "worker/agent/artifact_cache.h"
#include "worker/agent/attempt_context.h"

namespace shoal::agent {

struct PreparedOrder {
  v1::AttemptOrder order;
  v1::AttemptStarted started;
  std::vector<ArtifactCache::Pin> files;  // must live as long as the runner
};

// Resolves the numerics class (that of the assignment exactly, when it has one) and fetches data
// and checkpoints; waits for a coordinator that is away. `work_dir` is the attempt's own. Looks at
// `cancelled` on the way. Errors: FailedPrecondition, Unavailable (this worker cannot compute in
// that class), Cancelled, NotFound, DataLoss, ResourceExhausted (disk full).
absl::StatusOr<PreparedOrder> PrepareOrder(const AttemptContext& context,
                                           const v1::Assignment& assignment,
                                           const std::string& work_dir,
                                           const std::function<bool()>& cancelled);

}  // namespace shoal::agent
