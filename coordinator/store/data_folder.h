// The folder that holds everything a lab remembers, owned by one coordinator at a time.
//
//   shoal.db (-wal, -shm)   the database          coordinator.lock   flock, with the owner's pid as
//   text artifacts/ab/cdef...    files by SHA-256      backup/            databases from before
//   upgrades incoming/               uploads on their way; emptied at start
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace shoal::store {

// Holds the folder's lock for its own lifetime; the kernel frees it when the process dies, however
// it dies.
class DataFolder {
 public:
  // Makes the folders (0700) and takes the lock. Errors: FailedPrecondition when another
  // coordinator has it (naming its pid), or when the folder is on a network file system, with the
  // remedy.
  static absl::StatusOr<std::unique_ptr<DataFolder>> Open(const std::string& path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string database_path() const { return path_ + "/shoal.db"; }
  std::string artifacts_path() const { return path_ + "/artifacts"; }
  std::string incoming_path() const { return path_ + "/incoming"; }
  std::string backup_path() const { return path_ + "/backup"; }

 private:
  DataFolder(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  const std::string path_;
  const int lock_fd_;
};

}  // namespace shoal::store
