#include "coordinator/store/store.h"

#include <absl/container/flat_hash_set.h>

#include "coordinator/store/migrator.h"
#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::store {
namespace {

constexpr int kReaderThreads = 3;
constexpr size_t kReaderQueue = 1024;
// 4 KiB pages: the log is copied at about 8 MiB, so that it stays small, and not at every commit.
constexpr int kCheckpointPages = 2048;

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& data_dir,
                                                   const Clock& clock) {
  SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<DataFolder> folder, DataFolder::Open(data_dir));
  std::unique_ptr<Store> store(new Store(std::move(folder)));
  const std::string path = store->folder_->database_path();
  SHOAL_ASSIGN_OR_RETURN(store->writer_, Database::Open(path, Database::Mode::kReadWrite));
  SHOAL_RETURN_IF_ERROR(
      Migrate(*store->writer_, Migrations(), store->folder_->backup_path(), clock.Now()));
  SHOAL_ASSIGN_OR_RETURN(store->schema_version_, SchemaVersion(*store->writer_));
  SHOAL_RETURN_IF_ERROR(store->RemoveLeftovers());
  SHOAL_ASSIGN_OR_RETURN(store->readers_, ReaderPool::Start(path, kReaderThreads, kReaderQueue));
  return store;
}

absl::Status Store::RemoveLeftovers() {
  absl::flat_hash_set<Digest> known;
  SHOAL_RETURN_IF_ERROR(writer_->ForEach("SELECT sha256 FROM artifact", [&](const Statement& row) {
    const absl::StatusOr<Digest> digest = Digest::FromHex(row.Text(0));
    if (digest.ok()) known.insert(*digest);
  }));
  const int removed =
      files_.RemoveOthers([&](const Digest& digest) { return known.contains(digest); });
  if (removed > 0) LogInfo("removed artifacts that a crash left over", {"files", removed});
  return absl::OkStatus();
}

absl::Status Store::CheckpointIfDue() {
  if (writer_->wal_pages() < kCheckpointPages) return absl::OkStatus();
  return writer_->Checkpoint();
}

}  // namespace shoal::store
