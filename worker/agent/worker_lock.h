// One worker per folder: an flock that ends with the process, however it ends.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace shoal::agent {

// Holds <worker_dir>/worker.lock, in which the holder's process id is written. Movable.
class WorkerLock {
 public:
  // Makes the folder (0700) when it is absent. Errors: FailedPrecondition naming the process that
  // has it; those of opening and writing.
  static absl::StatusOr<WorkerLock> Take(const std::string& worker_dir);

  WorkerLock(WorkerLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  WorkerLock& operator=(WorkerLock&&) = delete;
  ~WorkerLock();

 private:
  explicit WorkerLock(int file) : file_(file) {}
  int file_;
};

}  // namespace shoal::agent
