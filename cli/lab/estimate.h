// How long a run will take here: measured, not guessed. A runner trains the very model on the very
// data for a moment.
#pragma once

#include "absl/status/statusor.h"
#include "cli/lab/prepare.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::cli {

struct Measured {
  double seconds = 0;             // of the whole run: setup, steps, evaluations
  int64_t peak_memory_bytes = 0;  // of the measuring process
};

// Runs `shoal-runner --attempt ORDER --measure` on this machine (a few seconds) and extrapolates to
// the whole spec. `spec` is complete. Errors: whatever the runner says.
absl::StatusOr<Measured> MeasureRun(const v1::RunSpec& spec, const PreparedData& data,
                                    const std::string& data_dir);

}  // namespace shoal::cli
