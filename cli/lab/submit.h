// From a recipe and the command line to submitted runs; shared by `launch` and `sweep`.
#pragma once

#include <map>
#include <string>
#include <utility>
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
  std::string reuses{};  // the finished run that would stand for it; "": it would be trained
};

// Reads a recipe (a path or the name of one that ships), applies --set. A source of data that is
// set (dataset, persona, train) replaces what the recipe has. `varies`: what --vary will add to it.
// Errors: all that is wrong with any of these, with the rules between the fields that are valid.
absl::StatusOr<spec::SpecFile> ReadRecipe(const std::string& recipe,
                                          const std::vector<std::string>& sets,
                                          const std::vector<std::string>& varies = {});

// Resolves complete, valid runs to data and costs. Runs that read the same data in the same way
// share what was prepared for the first. Thread-compatible.
class RunPlanner {
 public:
  // `lab` is talked to only where a run names one of its data sets; it must outlive the planner.
  RunPlanner(const LabOptions& lab, bool quiet) : lab_(lab), quiet_(quiet) {}
  absl::StatusOr<PlannedRun> Plan(spec::Trial trial);

 private:
  absl::StatusOr<PreparedData> Prepare(const v1::RunSpec& spec);

  const LabOptions& lab_;
  const bool quiet_;
  std::map<std::string, PreparedData> prepared_;  // by the part of the spec that it follows from
};

// Fills in `seconds`, measured on this machine (some seconds for each of at most three of the
// runs: the smallest, the middle and the largest), the others by their FLOPs. What goes wrong is a
// note. Says on stderr what it measures, unless `quiet`.
void EstimateSeconds(std::vector<PlannedRun>& planned, const std::string& data_dir, bool quiet);

v1::Submitter ThisSubmitter(const std::string& command_line);

// Upload what the lab lacks, then submit. `no_reuse`: train anew what is there already.
absl::StatusOr<v1::SubmitRunResponse> SubmitRun(Lab& lab, const PlannedRun& planned,
                                                const std::string& command_line, bool no_reuse);
absl::StatusOr<v1::SubmitSweepResponse> SubmitSweep(Lab& lab, const v1::SweepSpec& sweep,
                                                    const std::vector<PlannedRun>& planned,
                                                    const std::string& command_line, bool no_reuse);
// Makes the sweep `target` into `sweep`; answers what was added.
absl::StatusOr<v1::SubmitSweepResponse> ExtendSweep(Lab& lab, const std::string& target,
                                                    const v1::SweepSpec& sweep,
                                                    const std::vector<PlannedRun>& planned,
                                                    const std::string& command_line, bool no_reuse);

// What --dry-run prints: the complete spec, parameters, FLOPs, estimates.
std::string DryRunText(const PlannedRun& planned);
std::string DryRunJson(const PlannedRun& planned);

}  // namespace shoal::cli
