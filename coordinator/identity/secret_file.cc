#include "coordinator/identity/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/base/file.h"
#include "core/base/status.h"

namespace shoal::identity {
namespace {

absl::Status WriteAll(int file, const std::string& path, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = write(file, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, StrCat("writing ", path));
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(file) != 0) return ErrnoStatus(errno, StrCat("writing ", path));
  return absl::OkStatus();
}

absl::Status SyncFolder(const std::string& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return ErrnoStatus(errno, StrCat("opening ", folder));
  const int failed = fsync(file);
  close(file);
  return failed == 0 ? absl::OkStatus() : ErrnoStatus(errno, StrCat("syncing ", folder));
}

}  // namespace

absl::Status WriteSecretFile(const std::string& path, std::string_view contents) {
  const std::string temporary = StrCat(path, ".tmp-", getpid());
  unlink(temporary.c_str());  // of a process of this number that died
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return ErrnoStatus(errno, StrCat("making ", temporary));
  absl::Status status = WriteAll(file, temporary, contents);
  close(file);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, StrCat("renaming ", temporary, " to ", path));
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncFolder(DirName(path));
}

}  // namespace shoal::identity
