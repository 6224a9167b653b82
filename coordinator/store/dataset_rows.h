// Data sets as rows: a name, its immutable content, and the artifacts it holds. Rows are added and
// never changed or removed, and an artifact of a data set is never removed either.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "shoal/v1/dataset.pb.h"

namespace shoal::store {

// Errors: AlreadyExists (the name is taken), FailedPrecondition (an artifact is not here).
absl::Status InsertDataset(Database& db, const v1::Dataset& dataset);

// The data set of exactly this name.
absl::StatusOr<std::optional<v1::Dataset>> FindDataset(Database& db, const std::string& name);

// The data set that `selector` names: a name, else the beginning of an id, of 8 digits or more (the
// first by name where several names stand for it). Errors: NotFound with the name that was probably
// meant; FailedPrecondition (the beginning fits different ids).
absl::StatusOr<v1::Dataset> LoadDataset(Database& db, const std::string& selector);

// Newest first. Without problems of the import, which GetDataset tells.
absl::StatusOr<std::vector<v1::Dataset>> LoadDatasets(Database& db);

}  // namespace shoal::store
