// How fast a model trains on this machine: steps of one shape on random tokens, or steps on
// real examples, the median of their times, and what part of the machine's measured peak that is.
#pragma once

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "shoal/v1/bench.pb.h"

namespace shoal::runner {

// Errors: InvalidArgument (a shape that is no training: no steps, longer than the model's context),
// those of the backend and of memory.
absl::StatusOr<v1::BenchTrainReport> RunBenchTrain(const v1::BenchTrainOrder& order,
                                                   const Clock& clock);

}  // namespace shoal::runner
