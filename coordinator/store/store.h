// The lab's memory as one object: the data folder's lock, the migrated database with its one
// writing connection, the readers, and the artifact files.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/store/artifact_files.h"
#include "coordinator/store/data_folder.h"
#include "coordinator/store/database.h"
#include "coordinator/store/reader_pool.h"
#include "core/base/clock.h"

namespace shoal::store {

class Store {
 public:
  // Locks, migrates, removes leftovers of a crash, starts the readers. Errors: see
  // Coordinator::Start.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& data_dir,
                                                     const Clock& clock);

  // The writing connection: one thread at a time, which is the loop's once that runs.
  Database& writer() { return *writer_; }
  ReaderPool& readers() { return *readers_; }            // thread-safe
  const ArtifactFiles& files() const { return files_; }  // thread-safe
  const DataFolder& folder() const { return *folder_; }
  int schema_version() const { return schema_version_; }

  // Copies the log into the database file when it has grown; called by the loop thread between
  // batches. Passive: a reader in the middle of something only delays how much is copied.
  absl::Status CheckpointIfDue();

 private:
  explicit Store(std::unique_ptr<DataFolder> folder)
      : folder_(std::move(folder)), files_(folder_->artifacts_path(), folder_->incoming_path()) {}
  absl::Status RemoveLeftovers();

  std::unique_ptr<DataFolder> folder_;
  ArtifactFiles files_;
  int schema_version_ = 0;
  std::unique_ptr<Database> writer_;
  std::unique_ptr<ReaderPool> readers_;
};

}  // namespace shoal::store
