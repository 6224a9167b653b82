// Why a queued run does not run yet, as far as the lab's numbers tell. (What only the scheduler
// knows, such as a worker that lacks what the job needs or a pause before another try, stands in
// the run already.)
#pragma once

#include "coordinator/loop/loop.h"
#include "shoal/v1/run.pb.h"

namespace shoal::rpc {

// Fills status_reason of a queued run that has none. Leaves it empty while the run is about to
// begin.
void TellWhyItWaits(const loop::LabStatus& lab, v1::Run& run);

}  // namespace shoal::rpc
