// Artifacts, checkpoints and their garbage, as rows; the files are artifact_files.h's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "shoal/v1/checkpoint.pb.h"

namespace shoal::store {

// OK when it is there already.
absl::Status InsertArtifact(Database& db, const v1::ArtifactRef& artifact, absl::Time now);
absl::StatusOr<bool> HasArtifact(Database& db, const std::string& sha256);

// Replaces an earlier checkpoint of the same attempt, kind and step. Requires the artifact's row.
absl::Status InsertCheckpoint(Database& db, const std::string& run_id, int64_t attempt_id,
                              const v1::Checkpoint& checkpoint, absl::Time now);

// What the run's next attempt resumes from, or what inference loads: the one recorded last.
absl::StatusOr<std::optional<v1::Checkpoint>> NewestCheckpoint(Database& db,
                                                               const std::string& run_id,
                                                               v1::CheckpointKind kind);
absl::StatusOr<std::vector<v1::Checkpoint>> LoadCheckpoints(Database& db,
                                                            const std::string& run_id);

// Deletes the run's resumable checkpoints beyond the `keep_last` newest; weights all stay. Returns
// the digests that nothing refers to any more: their rows are gone, their files are to be removed
// after the commit.
absl::StatusOr<std::vector<std::string>> DropOldCheckpoints(Database& db, const std::string& run_id,
                                                            int keep_last);

}  // namespace shoal::store
