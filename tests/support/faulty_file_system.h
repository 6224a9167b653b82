// The machine's files, failing on command: a full disk, a failed sync, a write torn in the middle.
//
//   FaultyFileSystem files;
//   files.FailAfter(FileOperation::kAppend, 2, absl::ResourceExhaustedError("disk full"));  // the
//   third append fails
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "core/base/file.h"
#include "core/base/mutex.h"

namespace shoal {

enum class FileOperation {
  kRead,
  kWriteAtomic,
  kOpenAppend,
  kAppend,
  kSync,
  kMakeDirs,
  kRename,
  kRemove,
  kLink
};

// Thread-safe.
class FaultyFileSystem final : public FileSystem {
 public:
  // After `successes` more calls of `operation`, each fails with `error`, until Heal. Zero: from
  // the next one on.
  void FailAfter(FileOperation operation, int64_t successes, absl::Status error);
  // As FailAfter, and the failing append leaves the first `bytes` of its data in the file.
  void TearAppendAfter(int64_t successes, int64_t bytes, absl::Status error);
  // No more failures.
  void Heal();
  // Calls of `operation` so far, failed ones included.
  int64_t calls(FileOperation operation) const;

  absl::StatusOr<std::string> ReadFile(const std::string& path) override;
  absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset,
                                        int64_t size) override;
  absl::Status WriteFileAtomic(const std::string& path, std::string_view contents) override;
  absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) override;
  absl::Status MakeDirs(const std::string& path, uint32_t mode = 0755) override;
  absl::StatusOr<std::vector<std::string>> ListDir(const std::string& path) override;
  absl::StatusOr<int64_t> FileSize(const std::string& path) override;
  bool Exists(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status RemoveFile(const std::string& path) override;
  absl::Status RemoveAll(const std::string& path) override;
  absl::Status LinkOrCopy(const std::string& from, const std::string& to) override;

 private:
  class FaultyAppendFile;
  struct Fault {
    int64_t successes = 0;
    int64_t torn_bytes = 0;
    absl::Status error;
  };

  // Counts a call; the error it is to fail with, or OK. `torn_bytes` may be null.
  absl::Status Count(FileOperation operation, int64_t* torn_bytes = nullptr);

  RealFileSystem real_;
  mutable Mutex mutex_;
  std::map<FileOperation, Fault> faults_ SHOAL_GUARDED_BY(mutex_);
  std::map<FileOperation, int64_t> calls_ SHOAL_GUARDED_BY(mutex_);
};

}  // namespace shoal
