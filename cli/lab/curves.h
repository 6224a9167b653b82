// Whole curves from the lab.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "shoal/v1/metric.pb.h"

namespace shoal::cli {

// Hands a run's curves to `take` as they arrive, in pieces: series by name, attempts in order,
// points in order of recording. `series` empty: all. With `all_attempts` also points that a resume
// has hidden. An error that `take` returns ends the reading and is returned.
absl::Status ForEachPiece(Lab& lab, const std::string& run, const std::vector<std::string>& series,
                          bool all_attempts,
                          const std::function<absl::Status(const v1::SeriesPoints&)>& take);

// The same, whole: one entry for each series that has points, by name.
absl::StatusOr<std::vector<v1::SeriesPoints>> ReadCurves(Lab& lab, const std::string& run,
                                                         const std::vector<std::string>& series);

}  // namespace shoal::cli
