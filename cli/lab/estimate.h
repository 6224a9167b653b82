// How long a run will take here: measured, not guessed. A runner trains the very model on the very
// data for a moment.
#pragma once

#include "absl/status/statusor.h"
#include "cli/lab/prepare.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::cli {

// Runs `shoal-runner --attempt ORDER --measure` on this machine (a few seconds) and extrapolates to
// the seconds that the whole spec takes once it has a worker: setup, steps, evaluations, samples
// and checkpoints. `spec` is complete. Errors: whatever the runner says.
absl::StatusOr<double> MeasureSeconds(const v1::RunSpec& spec, const PreparedData& data,
                                      const std::string& data_dir);

}  // namespace shoal::cli
