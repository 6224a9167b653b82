// Whether a worker is one that a job could run on: slots, memory, backend, number format, numerics
// class. Whether it has room for it right now is placement's question (placement.h).
#pragma once

#include <string>

#include "coordinator/scheduler/records.h"

namespace shoal::scheduler {

// What a worker lacks for a job, even when idle. In the order they are looked at.
enum class Lack { kNothing, kSlots, kMemory, kBackend, kNumberFormat, kNumericsClass };

// Backends:  "auto" takes the best that is available there, cuda before onednn before reference
// (never another one);
//            a name must be available there; "check:NAME" needs NAME and reference.
// Formats:   "bf16" needs a backend that has it; "auto" and "f32" run anywhere.
// Numerics:  once a job's first attempt has fixed its class, only workers where it holds will do:
// the class's backend
//            in the same numerics_version, the same ISA, the same cache sizes, its number format.
Lack LackOf(const JobRecord& job, const WorkerRecord& worker);

// The lack in words, "" for kNothing: "4 slots needed, local has 2".
std::string LackText(const JobRecord& job, const WorkerRecord& worker);

// How good the backend is that the job would get: smaller is better. Requires LackOf == kNothing.
int BackendRank(const JobRecord& job, const WorkerRecord& worker);

}  // namespace shoal::scheduler
