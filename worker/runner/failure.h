// What an error means for the attempt.
#pragma once

#include "absl/status/status.h"
#include "shoal/v1/runner.pb.h"

namespace shoal::runner {

// The last word about an attempt that ended with `status` at `step`: OK is SUCCEEDED, CANCELLED
// stays so, anything else is FAILED with the class that decides about another try.
v1::Finished FinishedWith(const absl::Status& status, int64_t step);

}  // namespace shoal::runner
