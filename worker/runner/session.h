// A runner's life with its agent: Hello, one order, its job, Finished.
#pragma once

#include "core/base/clock.h"

namespace shoal::runner {

// Serves the agent on `descriptor` and returns the process's exit code. When the agent goes away,
// the process exits at once, wherever it is.
int RunSession(int descriptor, const Clock& clock);

}  // namespace shoal::runner
