// Reverse-mode differentiation of a recorded program.
//
// AppendBackward visits the operations last to first and appends, for each, the operations of its
// gradient rule. The root is every loss: it counts with the run's loss_scale. The
// gradient of a parameter is written to Region::kGradient at the parameter's own place: by the
// first writer with SHOAL_WRITE_BY_SCALAR, so that micro-batches accumulate, and added by later
// ones (a table that is both embedding and head).
#ifndef SHOAL_WORKER_ENGINE_PROGRAM_BACKWARD_H_
#define SHOAL_WORKER_ENGINE_PROGRAM_BACKWARD_H_

#include "absl/status/status.h"
#include "worker/engine/program/parameters.h"
#include "worker/engine/program/program.h"

namespace shoal::engine {

// Run it on the list as recorded, before any pass. Errors: Unimplemented (an operation without a
// gradient rule), naming it; Internal
// when a parameter of the layout gets no gradient.
absl::Status AppendBackward(Program& program, const ParameterLayout& layout);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_PROGRAM_BACKWARD_H_
