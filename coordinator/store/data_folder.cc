#include "coordinator/store/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/base/net_fs.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::store {
namespace {

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return ErrnoStatus(error.value(), StrCat("making the folder of ", path));
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return ErrnoStatus(errno, StrCat("making ", path));
  return absl::OkStatus();
}

std::string ReadOwner(int fd) {
  char text[32] = {};
  const ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "unknown";
}

absl::StatusOr<int> TakeLock(const std::string& folder) {
  const std::string path = folder + "/coordinator.lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, StrCat("opening ", path));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string owner = ReadOwner(fd);
    close(fd);
    if (error != EWOULDBLOCK) return ErrnoStatus(error, StrCat("locking ", path));
    return absl::FailedPreconditionError(
        StrCat("the data folder ", folder, " is in use by the coordinator with pid ", owner,
               "; stop that (an embedded lab with `shoal down`), or use another data folder"));
  }
  const std::string pid = StrCat(getpid());
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const int error = errno;
    close(fd);
    return ErrnoStatus(error, StrCat("writing ", path));
  }
  return fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataFolder>> DataFolder::Open(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(MakeFolder(path));
  SHOAL_RETURN_IF_ERROR(CheckLocalFileSystem(path));
  SHOAL_ASSIGN_OR_RETURN(const int lock_fd, TakeLock(path));
  std::unique_ptr<DataFolder> folder(new DataFolder(path, lock_fd));
  SHOAL_RETURN_IF_ERROR(MakeFolder(folder->artifacts_path()));
  std::error_code ignored;  // leftovers of uploads that a crash cut short
  std::filesystem::remove_all(folder->incoming_path(), ignored);
  SHOAL_RETURN_IF_ERROR(MakeFolder(folder->incoming_path()));
  return folder;
}

DataFolder::~DataFolder() { close(lock_fd_); }

}  // namespace shoal::store
