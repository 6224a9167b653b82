#include "coordinator/store/data_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/base/status.h"

namespace shoal::store {
namespace {

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return ErrnoStatus(error.value(), absl::StrCat("making the folder of ", path));
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, absl::StrCat("making ", path));
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
  if (fd < 0) return ErrnoStatus(errno, absl::StrCat("opening ", path));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    const std::string owner = ReadOwner(fd);
    close(fd);
    if (error != EWOULDBLOCK) return ErrnoStatus(error, absl::StrCat("locking ", path));
    return absl::FailedPreconditionError(absl::StrCat("the data folder ", folder, " is in use by the coordinator with pid ",
                                                      owner, "; stop it with `shoal down`, or use another data folder"));
  }
  const std::string pid = absl::StrCat(getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const int error = errno;
    close(fd);
    return ErrnoStatus(error, absl::StrCat("writing ", path));
  }
  return fd;
}

}  // namespace

absl::Status CheckFileSystem(const std::string& path, int64_t magic) {
  struct Network {
    int64_t magic;
    const char* name;
  };
  // linux/magic.h and the file systems' own headers.
  static constexpr Network kNetworks[] = {
      {0x6969, "NFS"},           {0xFF534D42, "CIFS"},   {0xFE534D42, "SMB2"},  {0x517B, "SMB"},
      {0x0BD00BD0, "Lustre"},    {0x47504653, "GPFS"},   {0x00C36400, "Ceph"},  {0x5346414F, "AFS"},
      {0x6B414653, "kAFS"},      {0x19830326, "BeeGFS"}, {0x01021997, "9p"},    {0xAAD7AAEA, "PanFS"},
      {0x7461636F, "OCFS2"},     {0x01161970, "GFS2"},   {0x73757245, "Coda"},  {0x564C, "NCP"},
  };
  for (const Network& network : kNetworks) {
    if ((magic & 0xFFFFFFFF) != network.magic) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        path, " is on a network file system (", network.name,
        "), where a database can be damaged: give a folder on a disk of this machine, for example with "
        "SHOAL_DATA_DIR=/var/tmp/shoal-$USER"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DataFolder>> DataFolder::Open(const std::string& path) {
  SHOAL_RETURN_IF_ERROR(MakeFolder(path));
  struct statfs info = {};
  if (statfs(path.c_str(), &info) != 0) return ErrnoStatus(errno, absl::StrCat("looking at ", path));
  SHOAL_RETURN_IF_ERROR(CheckFileSystem(path, info.f_type));
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
