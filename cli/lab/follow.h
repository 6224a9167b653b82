// Following runs to their end, with live progress. Survives the loss of the coordinator: an
// embedded lab is started again, and the watch goes on where it was.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "cli/output/terminal.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {

enum class FollowMode {
  kProgress,  // bars on a terminal, a line now and then elsewhere
  kSilent,    // nothing (for --json and `wait`)
};

struct FollowResult {
  std::vector<v1::Run> runs;  // their last known state, in order of creation
  bool detached = false;      // Ctrl-C: the runs go on
};

// Watches runs (ids, names, sweeps) until all are final, or Ctrl-C, or `timeout`.
// Errors: NotFound; DeadlineExceeded; Unavailable when the lab stays away for two minutes.
absl::StatusOr<FollowResult> Follow(const LabOptions& options,
                                    const std::vector<std::string>& targets, FollowMode mode,
                                    const Terminal& terminal,
                                    absl::Duration timeout = absl::InfiniteDuration());

// Reads a run's log and hands every line to `show` once, in order, also when the lab goes away and
// comes back in between. With request.follow() until the run has ended.
// Errors: those of ReadLogs; Unavailable when the lab stays away for two minutes.
absl::Status FollowLogs(const LabOptions& options, const v1::ReadLogsRequest& request,
                        const std::function<void(const v1::ReadLogsResponse&)>& show);

// Whether no more will happen to a run.
bool IsFinal(v1::RunStatus status);
// "RUNNING", "SUCCEEDED", ...
std::string StatusName(v1::RunStatus status);
Style StatusStyle(v1::RunStatus status);
// A run's metric, or null.
const v1::MetricSummary* FindMetric(const v1::Run& run, const std::string& name);

}  // namespace shoal::cli
