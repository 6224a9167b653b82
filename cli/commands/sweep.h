// Submitting a sweep: what `sweep` does, and `launch` with a recipe that is a sweep.
#pragma once

#include "cli/commands/submitting.h"
#include "core/spec/spec.h"

namespace shoal::cli {

// `file`'s sweep, complete with what the command line says of it.
absl::Status SubmitSweepFile(Globals& globals, const SubmitOptions& options,
                             const spec::SpecFile& file);

}  // namespace shoal::cli
