// What this machine can compute with. Loads every backend, so it belongs in a process of its own.
#pragma once

#include "shoal/v1/runner.pb.h"

namespace shoal::runner {

v1::Capabilities ProbeHere();

}  // namespace shoal::runner
