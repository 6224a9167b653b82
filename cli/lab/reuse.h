// Before anything is submitted: what the lab has trained already and would not train again.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "cli/lab/lab.h"
#include "cli/lab/submit.h"

namespace shoal::cli {

// Fills in `reuses`, as the lab would decide now: each finished run stands for one of the planned.
// A lab that does not run is not started: nothing is in it that could be told. Errors: those of a
// lab named by its address.
absl::Status FindReused(const LabOptions& lab, std::vector<PlannedRun>& planned);

}  // namespace shoal::cli
