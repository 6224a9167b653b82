// A run's status: one pure function of its jobs.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "google/protobuf/repeated_field.h"
#include "shoal/v1/job.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::spec {

// Serve jobs do not count: talking to a model does not change how its training ended. Of the
// others:
//   any FAILED -> FAILED; else any CANCELLED -> CANCELLED; else any ABORTED -> ABORTED;
//   all SUCCEEDED -> SUCCEEDED; any RUNNING, or some SUCCEEDED and some QUEUED -> RUNNING;
//   all that wait are paused -> PAUSED; otherwise (some QUEUED, or no job yet) QUEUED.
// A final verdict waits for RUNNING jobs: while one runs the run is RUNNING.
v1::RunStatus StatusOfRun(std::span<const v1::Job> jobs);
v1::RunStatus StatusOfRun(const google::protobuf::RepeatedPtrField<v1::Job>& jobs);

// For a run with one job that counts, without building messages.
v1::RunStatus StatusOfJob(v1::JobState state);

bool IsFinal(v1::RunStatus status);
std::string_view Name(v1::RunStatus status);  // "SUCCEEDED"
std::optional<v1::RunStatus> ParseRunStatus(std::string_view name);

}  // namespace shoal::spec
