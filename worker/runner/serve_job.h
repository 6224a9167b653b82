// A SERVE job: a model in memory, answering requests one after the other until it is told to stop.
#pragma once

#include "shoal/v1/runner.pb.h"
#include "worker/runner/job_io.h"

namespace shoal::runner {

// Says ModelReady, then answers each Generate with its GenerateEvents, in the order they came. A
// request that cannot be answered ends with a `done` whose finish_reason is "error: ..."; the job
// goes on. Ends as CANCELLED when cancelled or preempted: there is nothing to save.
v1::Finished RunServeJob(const v1::AttemptOrder& order, Orders& orders, Reporter& reporter,
                         const Clock& clock);

}  // namespace shoal::runner
