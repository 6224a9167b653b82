// Experiments and runs as rows.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "shoal/v1/artifact.pb.h"
#include "shoal/v1/lab_service.pb.h"
#include "shoal/v1/run.pb.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::store {

// A run as it is accepted. Of `run`, ids, names, times, digests, counts, estimates and notes are
// written; status, numerics and metrics follow from its jobs and reports.
struct NewRunRow {
  v1::Run run;
  v1::RunSpec spec;  // complete
  std::string canonical_spec;
  std::vector<v1::DataBinding> bindings;
  std::string command;
};

// Adds the run, its bindings, and its experiment where that is new. Errors: FailedPrecondition (an
// artifact of its bindings is not here).
absl::Status InsertRun(Database& db, const NewRunRow& row);

// The digests of `bindings` that are not in the table `artifact`, each once.
absl::StatusOr<std::vector<std::string>> MissingArtifacts(
    Database& db, const std::vector<v1::DataBinding>& bindings);
bool NameTaken(Database& db, const std::string& run_name);

// A run as lists show it, computed from its rows: status, times, metrics, compute seconds. Errors:
// NotFound.
absl::StatusOr<v1::Run> LoadRun(Database& db, const std::string& run_id);
// Oldest first.
absl::StatusOr<std::vector<std::string>> LoadRunIds(Database& db);
absl::StatusOr<v1::RunSpec> LoadSpec(Database& db, const std::string& run_id);
absl::StatusOr<std::vector<v1::DataBinding>> LoadBindings(Database& db, const std::string& run_id);
// What the run was asked for: spec, canonical spec and bindings; nothing else of the detail.
absl::StatusOr<v1::RunDetail> LoadInputs(Database& db, const std::string& run_id);

// Sets the fingerprint where there is none yet, from the class that the first attempt computes
// with.
absl::Status FixFingerprint(Database& db, const std::string& run_id,
                            const v1::NumericsClass& numerics);

}  // namespace shoal::store
