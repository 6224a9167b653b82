// The scheduler's records as rows, one function a kind. Durable fields only.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/scheduler/event.h"
#include "coordinator/scheduler/records.h"
#include "coordinator/scheduler/state.h"
#include "coordinator/store/database.h"

namespace shoal::store {

absl::Status InsertJob(Database& db, const scheduler::JobRecord& job);
absl::Status UpdateJob(Database& db, const scheduler::JobRecord& job);
absl::Status InsertAttempt(Database& db, const scheduler::AttemptRecord& attempt);
absl::Status UpdateAttempt(Database& db, const scheduler::AttemptRecord& attempt);
absl::Status PutWorker(Database& db, const scheduler::WorkerRecord& worker);
absl::Status UpdateWorkerState(Database& db, const WorkerId& worker_id, v1::WorkerState state);
absl::Status SetWorkerDrained(Database& db, const WorkerId& worker_id, bool drained);
absl::Status RaiseCheckpointStep(Database& db, const JobId& job_id, int64_t step);
absl::Status CountStaleReport(Database& db);

// What a coordinator that starts begins with: living jobs and attempts, all workers, all request
// ids.
absl::StatusOr<scheduler::StateImage> LoadStateImage(Database& db);

// The run's jobs that have ended, for a retry. Empty for an unknown run.
absl::StatusOr<std::vector<scheduler::EndedJob>> LoadEndedJobs(Database& db,
                                                               const std::string& run_id);

}  // namespace shoal::store
