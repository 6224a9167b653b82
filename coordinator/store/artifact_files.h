// Files addressed by the SHA-256 of their bytes: artifacts/ab/cdef... An upload is written to
// incoming/, synced, checked against its digest and only then renamed into place, so a file under
// artifacts/ is always whole, and its content never changes. Which files the lab knows is the table
// `artifact`; a file without a row is a leftover.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/digest.h"

namespace shoal::store {

// An upload in progress; dropped without a trace unless Finish succeeds. Thread-compatible.
class ArtifactUpload {
 public:
  ~ArtifactUpload();
  ArtifactUpload(const ArtifactUpload&) = delete;
  ArtifactUpload& operator=(const ArtifactUpload&) = delete;

  // Errors: InvalidArgument (more bytes than announced), ResourceExhausted (disk full).
  absl::Status Append(std::string_view bytes);
  // Syncs, verifies and puts the file in its place. Errors: InvalidArgument (another size or digest
  // than announced).
  absl::Status Finish();

 private:
  friend class ArtifactFiles;
  ArtifactUpload(int fd, std::string temporary, std::string final_path, Digest expected,
                 int64_t expected_bytes);
  const int fd_;
  const std::string temporary_;
  const std::string final_path_;
  const Digest expected_;
  const int64_t expected_bytes_;
  int64_t bytes_ = 0;
  Sha256 digest_;
};

// A stored file, read in pieces. Thread-compatible.
class ArtifactReader {
 public:
  ~ArtifactReader();
  ArtifactReader(const ArtifactReader&) = delete;
  ArtifactReader& operator=(const ArtifactReader&) = delete;

  int64_t total_bytes() const { return total_bytes_; }
  // The next at most `limit` bytes; empty at the end. When everything was read from offset 0, the
  // end is also where the digest is checked. Errors: DataLoss (the file is not what it was).
  absl::StatusOr<std::string> Read(size_t limit);

 private:
  friend class ArtifactFiles;
  ArtifactReader(int fd, int64_t total_bytes, int64_t offset, Digest expected, std::string path);
  const int fd_;
  const int64_t total_bytes_;
  int64_t offset_;
  const bool from_start_;
  const Digest expected_;
  const std::string path_;
  Sha256 digest_;
};

// Thread-safe: it has no state but its folders.
class ArtifactFiles {
 public:
  ArtifactFiles(std::string artifacts_path, std::string incoming_path)
      : artifacts_path_(std::move(artifacts_path)), incoming_path_(std::move(incoming_path)) {}

  absl::StatusOr<std::unique_ptr<ArtifactUpload>> BeginUpload(const Digest& digest,
                                                              int64_t size_bytes) const;
  // Errors: NotFound.
  absl::StatusOr<std::unique_ptr<ArtifactReader>> Open(const Digest& digest,
                                                       int64_t offset_bytes) const;
  // Size of a file that is there with all its bytes; -1 when it is not.
  int64_t SizeOf(const Digest& digest) const;
  absl::Status Remove(const Digest& digest) const;
  // Removes files that `known` does not want; how many. For leftovers of a crash, before anyone
  // uploads.
  int RemoveOthers(const std::function<bool(const Digest&)>& known) const;

  std::string PathOf(const Digest& digest) const;

 private:
  const std::string artifacts_path_;
  const std::string incoming_path_;
};

}  // namespace shoal::store
