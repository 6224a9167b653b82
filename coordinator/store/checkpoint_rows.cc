#include "coordinator/store/checkpoint_rows.h"

#include <cmath>
#include <limits>

#include "core/base/status.h"

namespace shoal::store {
namespace {

v1::Checkpoint ReadCheckpoint(const Statement& row) {
  v1::Checkpoint checkpoint;
  checkpoint.set_kind(static_cast<v1::CheckpointKind>(row.Int(0)));
  checkpoint.set_step(row.Int(1));
  checkpoint.mutable_artifact()->set_sha256(std::string(row.Text(2)));
  checkpoint.mutable_artifact()->set_size_bytes(row.Int(3));
  checkpoint.mutable_artifact()->set_media_type(std::string(row.Text(4)));
  checkpoint.set_held_out_loss(row.IsNull(5) ? std::numeric_limits<double>::quiet_NaN()
                                             : row.Real(5));
  checkpoint.set_attempt_number(static_cast<int32_t>(row.Int(6)));
  return checkpoint;
}

}  // namespace

absl::Status InsertArtifact(Database& db, const v1::ArtifactRef& artifact, absl::Time now) {
  return db.Run(
      R"sql(INSERT INTO artifact (sha256, size_bytes, media_type, created_at_us) VALUES (?, ?, ?, ?)
            ON CONFLICT DO NOTHING)sql",
      artifact.sha256(), artifact.size_bytes(), artifact.media_type(), now);
}

absl::StatusOr<bool> HasArtifact(Database& db, const std::string& sha256) {
  bool found = false;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      "SELECT 1 FROM artifact WHERE sha256 = ?", [&](const Statement&) { found = true; }, sha256));
  return found;
}

absl::Status InsertCheckpoint(Database& db, const std::string& run_id, int64_t attempt_id,
                              const v1::Checkpoint& checkpoint, absl::Time now) {
  return db.Run(
      R"sql(INSERT OR REPLACE INTO checkpoint (run_id, attempt_id, kind, step, sha256, size_bytes, media_type,
                                               held_out_loss, created_at_us)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?))sql",
      run_id, attempt_id, static_cast<int>(checkpoint.kind()), checkpoint.step(),
      checkpoint.artifact().sha256(), checkpoint.artifact().size_bytes(),
      checkpoint.artifact().media_type(), checkpoint.held_out_loss(), now);
}

absl::StatusOr<std::optional<v1::Checkpoint>> NewestCheckpoint(Database& db,
                                                               const std::string& run_id,
                                                               v1::CheckpointKind kind) {
  std::optional<v1::Checkpoint> newest;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT checkpoint.kind, checkpoint.step, sha256, size_bytes, media_type, held_out_loss, attempt_number
            FROM checkpoint JOIN attempt USING (attempt_id)
            WHERE checkpoint.run_id = ? AND checkpoint.kind = ? ORDER BY checkpoint_id DESC LIMIT 1)sql",
      [&](const Statement& row) { newest = ReadCheckpoint(row); }, run_id, static_cast<int>(kind)));
  return newest;
}

absl::StatusOr<std::vector<v1::Checkpoint>> LoadCheckpoints(Database& db,
                                                            const std::string& run_id) {
  std::vector<v1::Checkpoint> checkpoints;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT checkpoint.kind, checkpoint.step, sha256, size_bytes, media_type, held_out_loss, attempt_number
            FROM checkpoint JOIN attempt USING (attempt_id)
            WHERE checkpoint.run_id = ? ORDER BY checkpoint_id)sql",
      [&](const Statement& row) { checkpoints.push_back(ReadCheckpoint(row)); }, run_id));
  return checkpoints;
}

absl::StatusOr<std::vector<std::string>> DropOldCheckpoints(Database& db, const std::string& run_id,
                                                            int keep_last) {
  struct Old {
    int64_t id;
    std::string sha256;
  };
  std::vector<Old> old;
  SHOAL_RETURN_IF_ERROR(db.ForEach(
      R"sql(SELECT checkpoint_id, sha256 FROM checkpoint WHERE run_id = ? AND kind = 1
            ORDER BY checkpoint_id DESC LIMIT -1 OFFSET ?)sql",
      [&](const Statement& row) {
        old.push_back({row.Int(0), std::string(row.Text(1))});
      },
      run_id, keep_last));
  std::vector<std::string> removed;
  for (const Old& checkpoint : old) {
    SHOAL_RETURN_IF_ERROR(db.Run("DELETE FROM checkpoint WHERE checkpoint_id = ?", checkpoint.id));
    SHOAL_RETURN_IF_ERROR(db.Run(
        R"sql(DELETE FROM artifact WHERE sha256 = ?1
              AND NOT EXISTS (SELECT 1 FROM checkpoint WHERE sha256 = ?1)
              AND NOT EXISTS (SELECT 1 FROM data_binding WHERE sha256 = ?1)
              AND NOT EXISTS (SELECT 1 FROM dataset_file WHERE sha256 = ?1))sql",
        checkpoint.sha256));
    if (db.changes() == 1) removed.push_back(checkpoint.sha256);
  }
  return removed;
}

}  // namespace shoal::store
