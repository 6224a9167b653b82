// From a recipe and the command line to submitted runs; shared by `launch` and `sweep`.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/lab/lab.h"
#include "cli/lab/prepare.h"
#include "core/spec/search_space.h"
#include "core/spec/spec.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::cli {

// One run about to be submitted: its complete spec, the data it resolved to, and what it will cost.
struct PlannedRun {
  spec::Trial trial;
  PreparedData data;
  int64_t vocab_size = 0;  // rows of the token embedding
  int64_t parameters = 0;
  double train_flops = 0;  // all steps
  double evaluate_flops = 0;
  int64_t memory_bytes = 0;  // estimate
  double seconds =
      0;  // estimate on this machine's measured speed; NaN when it could not be measured
};

// Reads a recipe (a path or the name of one that ships), applies --set.
absl::StatusOr<spec::SpecFile> ReadRecipe(const std::string& recipe,
                                          const std::vector<std::string>& sets);

// A complete, valid run resolved to data and costs. `estimate_time`: measure this machine first
// (about a second).
absl::StatusOr<PlannedRun> PlanRun(spec::Trial trial, const std::string& data_dir, bool quiet,
                                   bool estimate_time);

v1::Submitter ThisSubmitter(const std::string& command_line);

absl::StatusOr<v1::Run> SubmitRun(Lab& lab, const PlannedRun& planned,
                                  const std::string& command_line);
absl::StatusOr<v1::SubmitSweepResponse> SubmitSweep(Lab& lab, const v1::SweepSpec& sweep,
                                                    const std::vector<PlannedRun>& planned,
                                                    const std::string& command_line);

// What --dry-run prints: the complete spec, parameters, FLOPs, estimates.
std::string DryRunText(const PlannedRun& planned);
std::string DryRunJson(const PlannedRun& planned);

}  // namespace shoal::cli
