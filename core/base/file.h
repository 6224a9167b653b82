// Files, behind an interface: whoever must survive a full disk or a torn write receives a
// FileSystem&, and tests pass one that fails on command (tests/support/faulty_file_system.h).
//
// Paths are plain strings. Every error names the path and errno: a full disk is RESOURCE_EXHAUSTED,
// a missing file NOT_FOUND, see ErrnoStatus in status.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shoal {

// A file that only grows. Destroying it closes it, without a sync. Thread-compatible.
class AppendFile {
 public:
  virtual ~AppendFile() = default;

  // Writes all of `bytes` at the end. After an error, part of them may be in the file: size()
  // tells.
  virtual absl::Status Append(std::string_view bytes) = 0;
  // Returns when everything appended is on the disk (fdatasync).
  virtual absl::Status Sync() = 0;
  // Bytes in the file, those that were there before included.
  virtual int64_t size() const = 0;
};

// Thread-safe, as far as the files touched are different ones.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The whole content.
  virtual absl::StatusOr<std::string> ReadFile(const std::string& path) = 0;
  // `size` bytes from `offset` on; fewer when the file ends before.
  virtual absl::StatusOr<std::string> ReadRange(const std::string& path, int64_t offset,
                                                int64_t size) = 0;

  // Replaces `path` by `contents`, or leaves what was there: a reader, or a machine that loses
  // power, sees one of both, never a part. Writes `path`.tmp-<random> beside it, fsync, rename,
  // fsync of the folder. Mode 0644.
  virtual absl::Status WriteFileAtomic(const std::string& path, std::string_view contents) = 0;

  // Opens for appending; creates the file when it is missing (mode 0644).
  virtual absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path) = 0;

  // Creates `path` and its parents as needed. `mode` is for those that are created. OK when it
  // exists.
  virtual absl::Status MakeDirs(const std::string& path, uint32_t mode = 0755) = 0;
  // Names in a folder, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> ListDir(const std::string& path) = 0;

  // Bytes of a regular file.
  virtual absl::StatusOr<int64_t> FileSize(const std::string& path) = 0;
  // Anything by that name, of any type. False also where it may not be looked at.
  virtual bool Exists(const std::string& path) = 0;

  // Moves within one file system; replaces `to`. Then fsync of the folder of `to`.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Removes one file. OK when it was not there.
  virtual absl::Status RemoveFile(const std::string& path) = 0;
  // Removes a file or a folder with all it holds; symbolic links are removed, not followed. OK when
  // it was not there.
  virtual absl::Status RemoveAll(const std::string& path) = 0;

  // Makes `to` a hard link of `from`, or, where the file system cannot, an atomic copy. Errors:
  // AlreadyExists.
  virtual absl::Status LinkOrCopy(const std::string& from, const std::string& to) = 0;
};

// The machine's files.
class RealFileSystem final : public FileSystem {
 public:
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
};

// A new folder (mode 0700) that is removed, with all it holds, when this object goes. Movable.
class TempDir {
 public:
  // <parent>/<prefix>XXXXXX. An empty parent is $TMPDIR, or /tmp.
  static absl::StatusOr<TempDir> Make(const std::string& parent = "",
                                      const std::string& prefix = "shoal-");

  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  const std::string& path() const { return path_; }
  std::string File(std::string_view name) const;  // path() + "/" + name
  // The folder stays, and its path is the caller's.
  std::string Release();

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// a + "/" + b, without doubling the slash. `b` when `a` is empty.
std::string JoinPath(std::string_view a, std::string_view b);
// Everything before the last slash: "." when there is none, "/" for "/x".
std::string DirName(std::string_view path);
// Everything after the last slash.
std::string BaseName(std::string_view path);

}  // namespace shoal
