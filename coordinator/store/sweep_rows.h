// Sweeps and their runs as rows. A run is created by at most one sweep and may be in several: one
// that was there before with the same request digest is reused.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "shoal/v1/lab_service.pb.h"
#include "shoal/v1/run.pb.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::store {

// A run's place in a sweep.
struct SweepMember {
  std::string sweep_id;
  int32_t trial_index = 0;
  std::string run_id;
  std::vector<std::string> differing;  // what sets it apart in this sweep
  bool reused = false;
};

absl::Status InsertSweep(Database& db, const v1::Sweep& sweep, const v1::SweepSpec& spec,
                         const v1::Submitter& submitter);
// Replaces what an extension changes: the spec, what is varied, how many runs there are.
absl::Status UpdateSweep(Database& db, const v1::Sweep& sweep, const v1::SweepSpec& spec);
// Errors: AlreadyExists (the index is taken), FailedPrecondition (no such sweep or run).
absl::Status InsertMember(Database& db, const SweepMember& member);
// Replaces `differing`.
absl::Status UpdateMember(Database& db, const SweepMember& member);

// Without spec and the counts of its runs by status. Newest first.
absl::StatusOr<std::vector<v1::Sweep>> LoadSweeps(Database& db);
// Errors: NotFound.
absl::StatusOr<v1::SweepSpec> LoadSweepSpec(Database& db, const std::string& sweep_id);
// Of one sweep, or of all when `sweep_id` is empty; by sweep and trial index.
absl::StatusOr<std::vector<SweepMember>> LoadMembers(Database& db, const std::string& sweep_id);

// The newest run that SUCCEEDED with this request digest and may stand for `spec`: computed with
// the backend that `spec` asks for (`auto` never means mock or a check), as many threads, and the
// same backend options.
absl::StatusOr<std::optional<std::string>> FindReusable(Database& db,
                                                        const std::string& request_digest,
                                                        const v1::RunSpec& spec);

}  // namespace shoal::store
