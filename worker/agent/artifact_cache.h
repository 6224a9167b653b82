// Files by content, kept on the worker: data, tokenizers, checkpoints. A name is the SHA-256 of the
// bytes, so nothing here is ever stale; a file is looked at before it is trusted, and a damaged one
// is fetched again. Beside them lie the runners' tokenized shards (worker/runner/shard_cache.h),
// which count too.
//
//   <folder>/artifacts/<sha256>      <folder>/shards/<key>/
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/file.h"
#include "core/base/mutex.h"

namespace shoal::agent {

// Thread-safe.
class ArtifactCache {
 public:
  // Gets a file's bytes in pieces and hands each to `sink`; stops at the sink's first error.
  using Sink = std::function<absl::Status(std::string_view)>;
  using Fetch = std::function<absl::Status(const std::string& sha256, const Sink& sink)>;

  // Makes the folders and removes what an earlier process left unfinished. `files` must outlive it.
  static absl::StatusOr<std::unique_ptr<ArtifactCache>> Open(FileSystem& files,
                                                             const std::string& folder,
                                                             int64_t capacity_bytes);

  // Keeps its file from being removed for as long as it lives.
  class Pin {
   public:
    Pin() = default;
    Pin(ArtifactCache* cache, std::string sha256);
    Pin(Pin&& other) noexcept;
    Pin& operator=(Pin&& other) noexcept;
    ~Pin();
    const std::string& sha256() const { return sha256_; }
    std::string path() const { return cache_->PathOf(sha256_); }

   private:
    ArtifactCache* cache_ = nullptr;
    std::string sha256_;
  };

  // The file, from here or through `fetch`. Two who want the same at once may both fetch it.
  // Errors: DataLoss (what came has another digest), those of `fetch` and of the file system.
  absl::StatusOr<Pin> Get(const std::string& sha256, const Fetch& fetch);

  // Takes over a finished file by hard link (a copy where that cannot be) and removes `path`.
  absl::StatusOr<Pin> Adopt(const std::string& path, const std::string& sha256);

  // Removes what was used longest ago until everything fits; what is pinned stays, and shards that
  // a runner is reading.
  void Trim();

  const std::string& folder() const { return folder_; }

 private:
  ArtifactCache(FileSystem& files, std::string folder, int64_t capacity_bytes)
      : files_(files), folder_(std::move(folder)), capacity_bytes_(capacity_bytes) {}

  std::string PathOf(const std::string& sha256) const;
  // True when the file is here and its bytes are right; a damaged one is removed.
  bool IsGood(const std::string& sha256);
  absl::Status FetchTo(const std::string& temp, const std::string& sha256, const Fetch& fetch);
  void Unpin(const std::string& sha256);
  bool RemoveUnlessInUse(const std::string& path, bool shards);

  // Constant after construction.
  FileSystem& files_;
  const std::string folder_;
  const int64_t capacity_bytes_;
  // Own synchronisation.
  Mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, int> pins_ SHOAL_GUARDED_BY(mutex_);
  // {inode, change of its bytes in ns, size} that were found right, by digest: not read again while
  // these stay.
  std::map<std::string, std::tuple<uint64_t, int64_t, int64_t>> verified_ SHOAL_GUARDED_BY(mutex_);
  int64_t next_temp_ SHOAL_GUARDED_BY(mutex_) = 1;
};

}  // namespace shoal::agent
