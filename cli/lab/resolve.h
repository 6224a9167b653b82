// From what a person types to runs. The coordinator decides what a selector means
// (coordinator/loop/selector.h); `shoal help selectors` explains them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "shoal/v1/lab_service.pb.h"
#include "shoal/v1/run.pb.h"

namespace shoal::cli {

// How commands describe their targets in --help.
inline constexpr char kTargetsHelp[] =
    "Runs: name, sweep, id, number, 1-10, last, all (shoal help selectors)";
inline constexpr char kTargetHelp[] = "A run: name, id, number, last (shoal help selectors)";

// " tiny-L4 last": words for a command line that is shown.
std::string Words(const std::vector<std::string>& targets);

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
