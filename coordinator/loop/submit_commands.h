// Runs and sweeps coming into being, and sweeps growing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/loop/command.h"
#include "coordinator/loop/plan.h"
#include "coordinator/loop/user_commands.h"
#include "coordinator/store/sweep_rows.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::loop {

// Creates what a submission lacks, all in one transaction; a repeated request id gets the first
// answer. A planned run that some run has already SUCCEEDED with (the same request digest,
// store::FindReusable) is reused unless the submission says otherwise: it becomes a member of the
// sweep and is marked in the answer. One run never stands for two trials of a sweep.
//
// An extension matches the sweep's present trials with the planned ones by what they are, not by
// their places: those keep index and name, new ones come after them. The answer's runs are the
// added ones.
//
// Answers FailedPrecondition when an artifact of the bindings is not here, and when an extension
// lacks a trial that is there.
class SubmitCommand final : public Command {
 public:
  SubmitCommand(Submission submission, Callback<v1::SubmitSweepResponse> done)
      : submission_(std::move(submission)), done_(std::move(done)) {}
  absl::Status Execute(Step& step) override;
  void Finish(const absl::Status& committed, const View& view) override;

 private:
  struct Added {
    std::string run_id;
    bool reused = false;
  };

  absl::Status CheckBindings(Step& step);
  absl::Status AddSweep(Step& step);
  // Leaves the trials that are there already in `present_`, by their places in the submission.
  absl::Status MatchTrials(Step& step);
  absl::Status ExtendSweep(Step& step);
  absl::Status AddRuns(Step& step);
  absl::StatusOr<Added> AddRun(Step& step, const PlannedRun& planned, int32_t trial_index,
                               scheduler::RunsSubmitted& event);
  absl::Status AddMember(Step& step, const PlannedRun& planned, int32_t trial_index,
                         const Added& added);
  absl::Status WriteSweepEvent(Step& step, const char* kind, const std::string& run_id,
                               const std::string& message);
  void Forget();

  const Submission submission_;
  const Callback<v1::SubmitSweepResponse> done_;

  // Of one execution.
  absl::Status answer_;
  v1::SubmitSweepResponse response_;
  std::set<size_t> present_;
  std::set<std::string> used_runs_;  // of the sweep: none is reused twice
  int32_t next_index_ = 0;
  std::vector<store::SweepMember> members_;  // new and changed ones
};

}  // namespace shoal::loop
