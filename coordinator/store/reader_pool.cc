#include "coordinator/store/reader_pool.h"

#include "core/base/log.h"
#include "core/base/status.h"

namespace shoal::store {

absl::StatusOr<std::unique_ptr<ReaderPool>> ReaderPool::Start(const std::string& database_path,
                                                              int threads, size_t queue_capacity) {
  std::unique_ptr<ReaderPool> pool(new ReaderPool(queue_capacity));
  for (int i = 0; i < threads; ++i) {
    SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<Database> db,
                           Database::Open(database_path, Database::Mode::kReadOnly));
    pool->databases_.push_back(std::move(db));
  }
  for (const std::unique_ptr<Database>& db : pool->databases_) {
    pool->threads_.emplace_back(
        [self = pool.get(), database = db.get()] { self->Loop(*database); });
  }
  return pool;
}

ReaderPool::~ReaderPool() { Stop(); }

void ReaderPool::Stop() {
  queue_.Close();
  threads_.clear();  // joins
}

absl::Status ReaderPool::Post(Work work) {
  if (queue_.TryPush(std::move(work))) return absl::OkStatus();
  if (queue_.closed()) return absl::UnavailableError("the coordinator is stopping");
  return absl::ResourceExhaustedError("too many reads at once; try again in a moment");
}

void ReaderPool::Loop(Database& db) {
  while (true) {
    std::optional<Work> work = queue_.Pop(absl::Seconds(60));
    if (!work && queue_.closed()) return;
    if (!work) continue;
    absl::StatusOr<Transaction> snapshot = Transaction::Begin(db, Transaction::Kind::kRead);
    if (!snapshot.ok())
      LogWarning("reading without a snapshot", {"status", snapshot.status().ToString()});
    (*work)(db);
    if (snapshot.ok()) {
      const absl::Status status = snapshot->Commit();
      if (!status.ok())
        LogWarning("a read transaction did not end well", {"status", status.ToString()});
    }
  }
}

}  // namespace shoal::store
