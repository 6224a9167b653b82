// Artifacts between this machine and the lab.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "cli/lab/lab.h"
#include "cli/lab/prepare.h"

namespace shoal::cli {

// Sends the files that the lab does not have yet. Errors: those of the lab, naming the file.
absl::Status Upload(Lab& lab, const std::vector<PreparedFile>& files);

}  // namespace shoal::cli
