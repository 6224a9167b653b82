// Right after runs were submitted: says when none of the lab's workers can run them.
#pragma once

#include <vector>

#include "cli/lab/lab.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {

// A note on stderr when some of `runs` fit no worker, or when no worker is there at all: which,
// why, and what to do. Says nothing otherwise, and nothing when the lab cannot be asked. An
// embedded lab that has just been started is given a moment for its worker to come up.
void TellMisfits(const LabOptions& options, const std::vector<v1::Run>& runs);

}  // namespace shoal::cli
