#include "worker/agent/artifact_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "core/base/check.h"
#include "core/base/digest.h"
#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::agent {
namespace {

std::optional<std::tuple<uint64_t, int64_t, int64_t>> IdentityOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return std::make_tuple(uint64_t{info.st_ino},
                         int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec,
                         int64_t{info.st_size});
}

// The access time says when a file was used last; the modification time is left alone.
void MarkUsed(const std::string& path) {
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  utimensat(AT_FDCWD, path.c_str(), times, 0);
}

struct Entry {
  std::string path;
  bool shards = false;
  int64_t used_at = 0;
  int64_t bytes = 0;
};

int64_t BytesBelow(FileSystem& files, const std::string& folder) {
  int64_t bytes = 0;
  const absl::StatusOr<std::vector<std::string>> names = files.ListDir(folder);
  if (!names.ok()) return 0;
  for (const std::string& name : *names)
    bytes += files.FileSize(JoinPath(folder, name)).value_or(0);
  return bytes;
}

std::vector<Entry> ListEntries(FileSystem& files, const std::string& folder) {
  std::vector<Entry> entries;
  const std::string artifacts = JoinPath(folder, "artifacts");
  for (const std::string& name : files.ListDir(artifacts).value_or(std::vector<std::string>())) {
    const std::string path = JoinPath(artifacts, name);
    struct stat info {};
    if (name.find('.') != std::string::npos || stat(path.c_str(), &info) != 0) continue;
    entries.push_back({path, false, info.st_atim.tv_sec, info.st_size});
  }
  const std::string shards = JoinPath(folder, "shards");
  for (const std::string& name : files.ListDir(shards).value_or(std::vector<std::string>())) {
    const std::string path = JoinPath(shards, name);
    struct stat info {};
    if (name.ends_with(".lock") || stat((path + ".lock").c_str(), &info) != 0) continue;
    entries.push_back({path, true, info.st_mtim.tv_sec, BytesBelow(files, path)});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used_at < b.used_at; });
  return entries;
}

}  // namespace

ArtifactCache::Pin::Pin(ArtifactCache* cache, std::string sha256)
    : cache_(cache), sha256_(std::move(sha256)) {}
ArtifactCache::Pin::Pin(Pin&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)), sha256_(std::move(other.sha256_)) {}
ArtifactCache::Pin& ArtifactCache::Pin::operator=(Pin&& other) noexcept {
  std::swap(cache_, other.cache_);
  std::swap(sha256_, other.sha256_);
  return *this;
}
ArtifactCache::Pin::~Pin() {
  if (cache_ != nullptr) cache_->Unpin(sha256_);
}

absl::StatusOr<std::unique_ptr<ArtifactCache>> ArtifactCache::Open(FileSystem& files,
                                                                   const std::string& folder,
                                                                   int64_t capacity_bytes) {
  const std::string artifacts = JoinPath(folder, "artifacts");
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(artifacts, 0700));
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(JoinPath(folder, "shards"), 0700));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.ListDir(artifacts));
  for (const std::string& name : names) {
    if (name.find('.') != std::string::npos)
      files.RemoveFile(JoinPath(artifacts, name)).IgnoreError();
  }
  return std::unique_ptr<ArtifactCache>(new ArtifactCache(files, folder, capacity_bytes));
}

std::string ArtifactCache::PathOf(const std::string& sha256) const {
  return JoinPath(JoinPath(folder_, "artifacts"), sha256);
}

bool ArtifactCache::IsGood(const std::string& sha256) {
  const std::string path = PathOf(sha256);
  const auto identity = IdentityOf(path);
  if (!identity.has_value()) return false;
  {
    MutexLock lock(mutex_);
    const auto known = verified_.find(sha256);
    if (known != verified_.end() && known->second == *identity) return true;
  }
  const absl::StatusOr<Digest> digest = Sha256OfFile(path);
  if (!digest.ok() || digest->Hex() != sha256) {
    LogWarning("cached file is damaged, fetching it again", {"path", path},
               {"found", digest.ok() ? digest->Hex() : digest.status().ToString()});
    files_.RemoveFile(path).IgnoreError();
    return false;
  }
  MutexLock lock(mutex_);
  verified_[sha256] = *identity;
  return true;
}

absl::Status ArtifactCache::FetchTo(const std::string& temp, const std::string& sha256,
                                    const Fetch& fetch) {
  SHOAL_ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file, files_.OpenAppend(temp));
  Sha256 digest;
  SHOAL_RETURN_IF_ERROR(fetch(sha256, [&](std::string_view bytes) {
    digest.Update(bytes);
    return file->Append(bytes);
  }));
  const std::string found = digest.Finish().Hex();
  if (found != sha256) {
    return absl::DataLossError(
        StrCat("the ", file->size(), " bytes that came have the digest ", found));
  }
  return file->Sync();
}

absl::StatusOr<ArtifactCache::Pin> ArtifactCache::Get(const std::string& sha256,
                                                      const Fetch& fetch) {
  SHOAL_ASSIGN_OR_RETURN(const Digest valid, Digest::FromHex(sha256));
  SHOAL_CHECK(valid.Hex() == sha256, "a digest is written in lower case: ", sha256);
  std::string temp;
  {
    MutexLock lock(mutex_);
    ++pins_[sha256];
    temp = StrCat(PathOf(sha256), ".fetch-", next_temp_++);
  }
  Pin pin(this, sha256);
  if (!IsGood(sha256)) {
    // A cache may be emptied under a worker that runs.
    SHOAL_RETURN_IF_ERROR(files_.MakeDirs(DirName(temp), 0700), "fetching artifact ", sha256);
    const absl::Cleanup remove = [&] { files_.RemoveFile(temp).IgnoreError(); };
    SHOAL_RETURN_IF_ERROR(FetchTo(temp, sha256, fetch), "fetching artifact ", sha256);
    SHOAL_RETURN_IF_ERROR(files_.Rename(temp, pin.path()), "fetching artifact ", sha256);
    if (const auto identity = IdentityOf(pin.path())) {
      MutexLock lock(mutex_);
      verified_[sha256] = *identity;
    }
    Trim();
  }
  MarkUsed(pin.path());
  return pin;
}

absl::StatusOr<ArtifactCache::Pin> ArtifactCache::Adopt(const std::string& path,
                                                        const std::string& sha256) {
  SHOAL_RETURN_IF_ERROR(Digest::FromHex(sha256));
  {
    MutexLock lock(mutex_);
    ++pins_[sha256];
  }
  Pin pin(this, sha256);
  if (!IsGood(sha256)) {
    const absl::Status linked = files_.LinkOrCopy(path, pin.path());
    if (!linked.ok() && !absl::IsAlreadyExists(linked)) return linked;
  }
  files_.RemoveFile(path).IgnoreError();
  MarkUsed(pin.path());
  Trim();
  return pin;
}

void ArtifactCache::Unpin(const std::string& sha256) {
  MutexLock lock(mutex_);
  if (--pins_[sha256] == 0) pins_.erase(sha256);
}

bool ArtifactCache::RemoveUnlessInUse(const std::string& path, bool shards) {
  if (!shards) {
    MutexLock lock(mutex_);
    return !pins_.contains(BaseName(path)) && files_.RemoveFile(path).ok();
  }
  // A runner holds the lock while it opens shards; what it has mapped survives the removal.
  const int lock = open((path + ".lock").c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return false;
  const absl::Cleanup close_lock = [lock] { close(lock); };
  return flock(lock, LOCK_EX | LOCK_NB) == 0 && files_.RemoveAll(path).ok();
}

void ArtifactCache::Trim() {
  const std::vector<Entry> entries = ListEntries(files_, folder_);
  int64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.bytes;
  for (const Entry& entry : entries) {
    if (bytes <= capacity_bytes_) return;
    if (!RemoveUnlessInUse(entry.path, entry.shards)) continue;
    bytes -= entry.bytes;
    LogInfo("removed from the cache", {"path", entry.path}, {"bytes", entry.bytes});
  }
}

}  // namespace shoal::agent
