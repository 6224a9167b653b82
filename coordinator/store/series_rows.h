// Curves as rows: names, summaries, what a resume hides, and reading it all back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/scheduler/records.h"
#include "coordinator/store/database.h"
#include "coordinator/store/series_codec.h"
#include "shoal/v1/metric.pb.h"

namespace shoal::store {

// The number of a series' name; given one when it is new.
absl::StatusOr<int64_t> SeriesId(Database& db, const std::string& name);

// Adds newly recorded points to the run's summary of the series.
absl::Status AddToSummary(Database& db, const std::string& run_id, int64_t series_id,
                          const std::vector<Point>& points);

// The attempt resumed from `step` (0: began anew): points after it of the job's earlier attempts
// are hidden from now on, and the run's summaries are made anew from what is left. Nothing is
// deleted.
absl::Status SupersedePoints(Database& db, const scheduler::AttemptKey& key,
                             const std::string& run_id, int64_t step);

// A block as it was when it was listed. Blocks are never changed but for points added to the
// newest, so that what is read of it later, in another transaction, is the same.
struct BlockRef {
  int64_t attempt_id = 0;
  int64_t series_id = 0;
  int64_t block_index = 0;
  int64_t count = 0;         // points
  int64_t hidden_after = 0;  // step; INT64_MAX: nothing hidden
  int attempt_number = 0;
};
struct SeriesBlocks {
  std::string name;
  std::vector<BlockRef> blocks;  // in order of recording
};

// Where a run's curves are, by name; all of them when `names` is empty. With `all` also blocks of
// which every point is hidden.
absl::StatusOr<std::vector<SeriesBlocks>> ListBlocks(Database& db, const std::string& run_id,
                                                     const std::vector<std::string>& names,
                                                     bool all);

// Appends a block's points to `pieces`: to the last piece where series, attempt and visibility are
// the same, else to a new one. Hidden points only with `all`.
absl::Status ReadBlock(Database& db, const std::string& series, const BlockRef& block, bool all,
                       google::protobuf::RepeatedPtrField<v1::SeriesPoints>& pieces);

}  // namespace shoal::store
