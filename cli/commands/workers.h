// What `shoal workers` and `shoal list workers` share.
#pragma once

#include "absl/status/status.h"
#include "cli/commands/command.h"

namespace shoal::cli {

// The lab's workers as a table, as JSON, or with --quiet their ids.
absl::Status PrintWorkers(Globals& globals);

}  // namespace shoal::cli
