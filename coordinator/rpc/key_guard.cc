#include "coordinator/rpc/key_guard.h"

#include <sys/stat.h>

#include <optional>
#include <utility>

#include "coordinator/identity/identity.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/join/key.h"

namespace shoal::rpc {
namespace {

constexpr absl::Duration kLogEvery = absl::Seconds(10);

// What tells one file of a path from the next.
struct FileState {
  ino_t inode = 0;
  int64_t seconds = 0;
  int64_t nanoseconds = 0;
  friend bool operator==(const FileState&, const FileState&) = default;
};

std::optional<FileState> LookAt(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileState{info.st_ino, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

std::string Header(const grpc::AuthMetadataProcessor::InputMetadata& metadata,
                   const std::string& name) {
  const auto at = metadata.find(name);
  return at == metadata.end() ? "" : std::string(at->second.data(), at->second.size());
}

class KeyGuard final : public grpc::AuthMetadataProcessor {
 public:
  KeyGuard(std::string digest_path, const Clock& clock)
      : path_(std::move(digest_path)), clock_(clock) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext*, OutputMetadata* consumed,
                       OutputMetadata*) override {
    const auto header = metadata.find("authorization");
    if (header == metadata.end()) {
      return Refuse(metadata, "no key",
                    "this lab asks for a key: enter it with its join file (`shoal worker --join "
                    "FILE`, `shoal --lab FILE`)");
    }
    const std::string_view text(header->second.data(), header->second.size());
    if (!Accepts(BearerKey(text))) {
      return Refuse(metadata, "wrong key",
                    "the key is not, or no longer, this lab's: get its join file anew");
    }
    consumed->emplace(std::string("authorization"), std::string(text));
    return grpc::Status::OK;
  }

 private:
  bool Accepts(std::string_view key) {
    const std::optional<FileState> now = LookAt(path_);
    MutexLock lock(mutex_);
    if (!now.has_value() || now != read_) {
      read_.reset();
      digest_.reset();
      if (const absl::StatusOr<Digest> digest = identity::ReadKeyDigest(path_);
          now.has_value() && digest.ok()) {
        digest_ = *digest;
        read_ = now;
      }
    }
    return digest_.has_value() && join::SameDigest(*digest_, join::KeyDigest(key));
  }

  grpc::Status Refuse(const InputMetadata& metadata, std::string_view why, const char* message) {
    MutexLock lock(mutex_);
    ++refused_;
    if (const absl::Duration now = clock_.Boottime(); now >= next_log_) {
      next_log_ = now + kLogEvery;
      LogWarning("call refused", {"why", why}, {"method", Header(metadata, ":path")},
                 {"client", Header(metadata, "user-agent")}, {"refused_so_far", refused_});
    }
    return {grpc::StatusCode::UNAUTHENTICATED, message};
  }

  const std::string path_;
  const Clock& clock_;
  Mutex mutex_;
  std::optional<FileState> read_ SHOAL_GUARDED_BY(mutex_);  // the file that digest_ is from
  std::optional<Digest> digest_ SHOAL_GUARDED_BY(mutex_);
  int64_t refused_ SHOAL_GUARDED_BY(mutex_) = 0;
  absl::Duration next_log_ SHOAL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace

std::shared_ptr<grpc::AuthMetadataProcessor> NewKeyGuard(std::string digest_path,
                                                         const Clock& clock) {
  return std::make_shared<KeyGuard>(std::move(digest_path), clock);
}

std::string_view BearerKey(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return "";
  return authorization.substr(kScheme.size());
}

}  // namespace shoal::rpc
