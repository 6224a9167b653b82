// What a run's page shows beyond its line in lists.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "shoal/v1/lab_service.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::store {

// Spec, bindings, jobs, attempts, checkpoints, samples, numerics class; `run` itself too. Errors:
// NotFound.
absl::StatusOr<v1::RunDetail> LoadRunDetail(Database& db, const std::string& run_id);

struct LogRow {
  int64_t log_id = 0;
  v1::ReadLogsResponse line;
};
// At most `limit` lines after `after_log_id`, oldest first; of one attempt unless it is 0.
absl::StatusOr<std::vector<LogRow>> ReadLogs(Database& db, const std::string& run_id,
                                             int attempt_number, int64_t after_log_id, int limit);

}  // namespace shoal::store
