// Workers as lists show them.
#pragma once

#include <string>

#include "coordinator/scheduler/state.h"
#include "shoal/v1/run.pb.h"

namespace shoal::loop {

// `address`: where it was last heard from; "" when not since the coordinator began.
v1::Worker DescribeWorker(const scheduler::State& state, const scheduler::WorkerRecord& record,
                          const std::string& address);

}  // namespace shoal::loop
