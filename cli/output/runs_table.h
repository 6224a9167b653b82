// Runs as tables.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/output/terminal.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {

// What `shoal list` shows: name, status, progress, parameters, losses, age.
std::string RunsTable(const Terminal& terminal, const std::vector<v1::Run>& runs, absl::Time now);

// What a comparison shows: what differs, parameters, held-out loss and bits per byte, tokens/s,
// wall time. The best loss is marked.
std::string ComparisonTable(const Terminal& terminal, const std::vector<v1::Run>& runs);

absl::Time ToTime(const google::protobuf::Timestamp& time);
// From start to end, or to `now` while it runs; infinite when it has not begun.
absl::Duration WallTime(const v1::Run& run, absl::Time now);

}  // namespace shoal::cli
