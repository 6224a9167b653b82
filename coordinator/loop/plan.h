// From what a client asks to what the lab will write: completes, validates and digests specs before
// anyone waits for the loop. Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/scheduler/records.h"
#include "coordinator/store/run_rows.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::loop {

// A run that only lacks its ids, its unique name and its time.
struct PlannedRun {
  store::NewRunRow row;
  scheduler::JobNeeds needs;
  std::string key;  // of a trial: what it is but for its name (spec::TrialKey)
};

struct Submission {
  std::string request_id;
  std::string method;          // "SubmitRun" | "SubmitSweep" | "ExtendSweep"
  std::string request_sha256;  // tells a repeated request from another one under the same id
  v1::Submitter submitter;
  bool no_reuse = false;
  bool is_sweep = false;
  bool is_extension = false;
  v1::Sweep sweep;  // name, varied, run_count; of an extension: the sweep that is there
  v1::SweepSpec sweep_spec;
  std::vector<PlannedRun> runs;  // in trial order
};

// Errors: InvalidArgument, listing every violation.
absl::StatusOr<Submission> PlanRun(const v1::SubmitRunRequest& request);
absl::StatusOr<Submission> PlanSweep(const v1::SubmitSweepRequest& request);
// `present` is the sweep that the request's target names.
absl::StatusOr<Submission> PlanExtension(const v1::ExtendSweepRequest& request,
                                         const v1::Sweep& present);

// "user:ada@laptop".
std::string ActorOf(const v1::Submitter& submitter);

// What the run's jobs ask of a worker. `spec` must be complete. A training job of which the spec
// names no memory is placed by the client's estimate, which may be 0: not known.
scheduler::JobNeeds TrainNeeds(const v1::RunSpec& spec, int64_t estimated_memory_bytes = 0);
scheduler::JobNeeds ServeNeeds(const v1::RunSpec& spec, absl::Duration idle_timeout);

}  // namespace shoal::loop
