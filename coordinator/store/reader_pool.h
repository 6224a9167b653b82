// Reading without disturbing the writer: a few threads, each with its own read-only connection.
// Every piece of work runs inside one read transaction and sees one committed state of the lab.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "core/base/bounded_queue.h"

namespace shoal::store {

// Thread-safe.
class ReaderPool {
 public:
  using Work = std::function<void(Database& db)>;

  static absl::StatusOr<std::unique_ptr<ReaderPool>> Start(const std::string& database_path,
                                                           int threads, size_t queue_capacity);
  ~ReaderPool();  // Stop()
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  // Runs `work` on one of the threads, soon. Errors: ResourceExhausted (the queue is full),
  // Unavailable (stopping); then `work` never runs.
  absl::Status Post(Work work);
  // Finishes what is queued, then ends. Idempotent.
  void Stop();

 private:
  explicit ReaderPool(size_t queue_capacity) : queue_(queue_capacity) {}
  void Loop(Database& db);

  BoundedQueue<Work> queue_;  // own synchronisation
  std::vector<std::unique_ptr<Database>> databases_;
  std::vector<std::jthread> threads_;
};

}  // namespace shoal::store
