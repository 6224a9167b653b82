// Workers and the queue as tables, for the commands that show them.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/output/terminal.h"
#include "google/protobuf/repeated_field.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::cli {

// "READY", "DRAINING" (drained, and something still runs), "DRAINED", "SHUTTING DOWN", "OFFLINE",
// "OFFLINE, drained".
std::string WorkerStateText(const v1::Worker& worker);

// How long a worker that is not OFFLINE has been silent; zero as long as that is nothing to tell
// (heartbeat.h). `now`: by the coordinator's clock.
absl::Duration SilenceOf(const v1::Worker& worker, absl::Time now);

// A silent worker is SILENT, for how long. `now`: by the coordinator's clock.
std::string WorkersTable(const Terminal& terminal,
                         const google::protobuf::RepeatedPtrField<v1::Worker>& workers,
                         absl::Time now);

// In the order given: running jobs, those that wait, paused ones.
std::string QueueTable(const Terminal& terminal,
                       const google::protobuf::RepeatedPtrField<v1::QueueEntry>& entries,
                       absl::Time now);

// Every worker's verdict on one job.
std::string VerdictsTable(const Terminal& terminal,
                          const google::protobuf::RepeatedPtrField<v1::WorkerVerdict>& verdicts);

}  // namespace shoal::cli
