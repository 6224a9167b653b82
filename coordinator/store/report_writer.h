// Records what attempts report: points, logs, samples, checkpoints, each exactly once.
//
// The attempt's row holds the number of the last item recorded (its high-water mark). It is written
// in the same transaction as the items, so an item is recorded if and only if the mark has passed
// it.
//
// Points go to blocks of 512 (series_codec.h). The last, growing block of each series of a living
// attempt is also kept in memory: a cache of what the database says, dropped whenever a transaction
// fails.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/scheduler/records.h"
#include "coordinator/store/database.h"
#include "coordinator/store/series_codec.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::store {

// Loop thread only.
class ReportWriter {
 public:
  explicit ReportWriter(Database& db) : db_(db) {}

  // The number of the attempt's last recorded item. Errors: NotFound (no such attempt).
  absl::StatusOr<int64_t> Acknowledged(const scheduler::AttemptKey& key);

  // What a report came to.
  struct Written {
    std::string run_id;
    std::vector<std::string> removed_artifacts;  // files to remove after the commit
  };
  // Writes items[first..] and moves the mark to `acknowledged`, inside an open transaction.
  // Requires that the fence (scheduler) let the report pass, that its key is well-formed, and that
  // the artifacts of its checkpoints have rows.
  absl::StatusOr<Written> Write(const v1::ReportRequest& report, int first, int64_t acknowledged,
                                absl::Time now);

  // Drops the cache: after a failed transaction, memory is what the database says.
  void Forget() { attempts_.clear(); }
  // The attempt is over.
  void Forget(const scheduler::AttemptKey& key) { attempts_.erase(key); }

 private:
  struct Tail {
    int64_t series_id = 0;
    int64_t block_index = 0;
    std::vector<Point> points;
    bool dirty = false;  // has points that the transaction has not written yet
  };
  struct AttemptBook {
    int64_t attempt_id = 0;
    std::string run_id;
    int keep_last = 2;
    int64_t acknowledged = 0;
    std::map<std::string, Tail> tails;
  };

  absl::StatusOr<AttemptBook*> Find(const scheduler::AttemptKey& key);
  absl::StatusOr<Tail*> FindTail(AttemptBook& book, const std::string& series);
  absl::Status AddPoints(AttemptBook& book, const v1::SeriesPoints& points, int64_t& step);
  absl::Status WriteTail(const AttemptBook& book, Tail& tail);
  absl::Status WriteItem(const scheduler::AttemptKey& key, AttemptBook& book,
                         const v1::ReportItem& item, absl::Time now, int64_t& step,
                         Written& written);

  Database& db_;
  std::map<scheduler::AttemptKey, AttemptBook> attempts_;
};

}  // namespace shoal::store
