#include "worker/agent/worker_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "core/base/file.h"
#include "core/base/status.h"

namespace shoal::agent {

absl::StatusOr<WorkerLock> WorkerLock::Take(const std::string& worker_dir) {
  RealFileSystem files;
  SHOAL_RETURN_IF_ERROR(files.MakeDirs(worker_dir, 0700));
  const std::string path = JoinPath(worker_dir, "worker.lock");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return ErrnoStatus(errno, StrCat("opening ", path));
  WorkerLock lock(file);
  int failed = flock(file, LOCK_EX | LOCK_NB);
  // Who only looks whether it is held, as `shoal up` does, holds it for a moment.
  for (int tries = 0; failed != 0 && errno == EWOULDBLOCK && tries < 20; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    failed = flock(file, LOCK_EX | LOCK_NB);
  }
  if (failed != 0) {
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, StrCat("locking ", path));
    char text[32] = {};
    const ssize_t size = pread(file, text, sizeof text - 1, 0);
    return absl::FailedPreconditionError(
        StrCat("another worker (process ", size > 0 ? StripSpace(text) : "?", ") has the folder ",
               worker_dir, "; give this one a folder of its own with --worker-dir"));
  }
  const std::string pid = StrCat(getpid(), "\n");
  if (ftruncate(file, 0) != 0 || pwrite(file, pid.data(), pid.size(), 0) < 0) {
    return ErrnoStatus(errno, StrCat("writing ", path));
  }
  return lock;
}

WorkerLock::~WorkerLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace shoal::agent
