#include "coordinator/store/artifact_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::store {
namespace {

absl::Status SyncFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, StrCat("opening ", path));
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  return result == 0 ? absl::OkStatus() : ErrnoStatus(error, StrCat("syncing ", path));
}

}  // namespace

ArtifactUpload::ArtifactUpload(int fd, std::string temporary, std::string final_path,
                               Digest expected, int64_t expected_bytes)
    : fd_(fd),
      temporary_(std::move(temporary)),
      final_path_(std::move(final_path)),
      expected_(expected),
      expected_bytes_(expected_bytes) {}

ArtifactUpload::~ArtifactUpload() {
  close(fd_);
  unlink(temporary_.c_str());  // gone already when the upload was finished
}

absl::Status ArtifactUpload::Append(std::string_view bytes) {
  if (bytes_ + static_cast<int64_t>(bytes.size()) > expected_bytes_) {
    return absl::InvalidArgumentError(
        StrCat("an upload announced with ", expected_bytes_, " bytes goes on after them"));
  }
  digest_.Update(bytes);
  bytes_ += static_cast<int64_t>(bytes.size());
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, StrCat("writing ", temporary_));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status ArtifactUpload::Finish() {
  const Digest digest = digest_.Finish();
  if (bytes_ != expected_bytes_ || digest != expected_) {
    return absl::InvalidArgumentError(StrCat("an upload announced as ", expected_.Hex(), " with ",
                                             expected_bytes_, " bytes was ", digest.Hex(), " with ",
                                             bytes_, " bytes; nothing was kept"));
  }
  if (fsync(fd_) != 0) return ErrnoStatus(errno, StrCat("syncing ", temporary_));
  const std::string folder = std::filesystem::path(final_path_).parent_path();
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return ErrnoStatus(errno, StrCat("making ", folder));
  if (rename(temporary_.c_str(), final_path_.c_str()) != 0) {
    return ErrnoStatus(errno, StrCat("renaming to ", final_path_));
  }
  SHOAL_RETURN_IF_ERROR(SyncFolder(folder));
  return SyncFolder(std::filesystem::path(folder).parent_path());
}

ArtifactReader::ArtifactReader(int fd, int64_t total_bytes, int64_t offset, Digest expected,
                               std::string path)
    : fd_(fd),
      total_bytes_(total_bytes),
      offset_(offset),
      from_start_(offset == 0),
      expected_(expected),
      path_(std::move(path)) {}

ArtifactReader::~ArtifactReader() { close(fd_); }

absl::StatusOr<std::string> ArtifactReader::Read(size_t limit) {
  const size_t wanted =
      std::min(limit, static_cast<size_t>(std::max<int64_t>(total_bytes_ - offset_, 0)));
  std::string bytes(wanted, '\0');
  size_t done = 0;
  while (done < wanted) {
    const ssize_t got = pread(fd_, bytes.data() + done, wanted - done, offset_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, StrCat("reading ", path_));
    if (got == 0) return absl::DataLossError(StrCat(path_, " is shorter than it was"));
    done += static_cast<size_t>(got);
    offset_ += got;
  }
  digest_.Update(bytes);
  if (from_start_ && offset_ == total_bytes_ && wanted > 0 && digest_.Finish() != expected_) {
    return absl::DataLossError(
        StrCat(path_,
               " no longer has its digest: the disk or someone changed it; restore "
               "the file from a backup"));
  }
  return bytes;
}

std::string ArtifactFiles::PathOf(const Digest& digest) const {
  const std::string hex = digest.Hex();
  return StrCat(artifacts_path_, "/", hex.substr(0, 2), "/", hex.substr(2));
}

absl::StatusOr<std::unique_ptr<ArtifactUpload>> ArtifactFiles::BeginUpload(
    const Digest& digest, int64_t size_bytes) const {
  std::string temporary = StrCat(incoming_path_, "/upload-XXXXXX");
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, StrCat("making a file in ", incoming_path_));
  return std::unique_ptr<ArtifactUpload>(
      new ArtifactUpload(fd, std::move(temporary), PathOf(digest), digest, size_bytes));
}

absl::StatusOr<std::unique_ptr<ArtifactReader>> ArtifactFiles::Open(const Digest& digest,
                                                                    int64_t offset_bytes) const {
  const std::string path = PathOf(digest);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return absl::NotFoundError(StrCat("there is no artifact ", digest.Hex()));
  if (fd < 0) return ErrnoStatus(errno, StrCat("opening ", path));
  struct stat info = {};
  fstat(fd, &info);
  return std::unique_ptr<ArtifactReader>(
      new ArtifactReader(fd, info.st_size, offset_bytes, digest, path));
}

int64_t ArtifactFiles::SizeOf(const Digest& digest) const {
  struct stat info = {};
  return stat(PathOf(digest).c_str(), &info) == 0 ? info.st_size : -1;
}

absl::Status ArtifactFiles::Remove(const Digest& digest) const {
  const std::string path = PathOf(digest);
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("removing ", path));
}

int ArtifactFiles::RemoveOthers(const std::function<bool(const Digest&)>& known) const {
  std::error_code error;
  std::vector<Digest> unknown;
  for (auto it = std::filesystem::recursive_directory_iterator(artifacts_path_, error);
       !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    if (it.depth() != 1) continue;
    const auto digest = Digest::FromHex(
        StrCat(it->path().parent_path().filename().string(), it->path().filename().string()));
    if (digest.ok() && !known(*digest)) unknown.push_back(*digest);
  }
  int removed = 0;
  for (const Digest& digest : unknown) removed += Remove(digest).ok() ? 1 : 0;
  return removed;
}

}  // namespace shoal::store
