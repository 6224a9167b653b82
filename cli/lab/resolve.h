// From what a person types to runs: an id, a name, `last`, or a sweep's id or name (all its runs).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "shoal/v1/lab_service.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {

// The runs that the targets name, in order of creation; no targets: the newest run. Errors:
// NotFound, naming the target.
absl::StatusOr<std::vector<v1::Run>> ResolveRuns(Lab& lab, const std::vector<std::string>& targets);

// The same with `run`, spec, canonical spec and bindings of each.
absl::StatusOr<std::vector<v1::RunDetail>> ResolveDetails(Lab& lab,
                                                          const std::vector<std::string>& targets);
// Runs and details as ListRuns answers them, with as many of both, each pair in one message.
std::vector<v1::RunDetail> JoinDetails(v1::ListRunsResponse response);

// Runs of a sweep in the order of their trials, others in the order of creation.
void SortRuns(std::vector<v1::Run>& runs);

}  // namespace shoal::cli
