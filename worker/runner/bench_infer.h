// How fast a model answers on this machine, one request at a time: prefill of a prompt, decoding
// token by token, or, with a classifier's head, a label for a text. Weights and tokens are random.
#pragma once

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "shoal/v1/bench.pb.h"

namespace shoal::runner {

// Errors: InvalidArgument (a prompt and answer longer than the model's context, an unknown dtype),
// FailedPrecondition (head mlm), those of the backend and of memory.
absl::StatusOr<v1::BenchInferReport> RunBenchInfer(const v1::BenchInferOrder& order,
                                                   const Clock& clock);

}  // namespace shoal::runner
