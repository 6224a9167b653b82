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

// The run's curves in order of recording, by name; all of them when `names` is empty. Hidden points
// only when asked.
absl::StatusOr<std::vector<v1::SeriesPoints>> ReadSeries(Database& db, const std::string& run_id,
                                                         const std::vector<std::string>& names,
                                                         bool include_superseded);

}  // namespace shoal::store
