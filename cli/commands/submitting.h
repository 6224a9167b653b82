// What the commands that ask for runs share: launch, sweep, extend.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/commands/command.h"
#include "cli/lab/submit.h"

namespace shoal::cli {

struct SubmitOptions {
  bool follow = false;
  bool dry_run = false;
  bool no_reuse = false;
};

// --follow, --dry-run and --no-reuse.
void AddSubmitOptions(CLI::App& command, SubmitOptions& options);

// Resolves trials to data and costs, telling notes on stderr. With a dry run the time too.
absl::StatusOr<std::vector<PlannedRun>> PlanAll(const Globals& globals,
                                                std::vector<spec::Trial> trials, bool dry_run);

// Finds out what would be reused, for a dry run; what hinders is a note.
void TellReused(const Globals& globals, const SubmitOptions& options,
                std::vector<PlannedRun>& planned);

// What a sweep would be: a table of its runs, or with --json all of them in full.
void PrintSweepDryRun(const Globals& globals, const std::vector<PlannedRun>& planned);

// "reused tiny-L4 (SUCCEEDED 3h ago, numerics: onednn v1 avx512_bf16 bf16 1 thread)".
std::string ReusedLine(const Globals& globals, const v1::Run& run);

// After a sweep was submitted or extended: tells what was reused, follows when asked to, and prints
// the reply. `what`: "launched sweep depth  (01..., 6 runs)".
absl::Status FinishSweep(Globals& globals, const SubmitOptions& options,
                         const v1::SubmitSweepResponse& response, const std::string& what);
// The same for a run.
absl::Status FinishRun(Globals& globals, const SubmitOptions& options,
                       const v1::SubmitRunResponse& response);

}  // namespace shoal::cli
