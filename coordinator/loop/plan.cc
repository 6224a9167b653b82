#include "coordinator/loop/plan.h"

#include <algorithm>
#include <cmath>

#include "coordinator/store/request_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fingerprint.h"
#include "core/spec/print.h"
#include "core/spec/search_space.h"
#include "core/spec/spec.h"

namespace shoal::loop {
namespace {

absl::Status CheckRequestId(const std::string& request_id) {
  if (!request_id.empty() && request_id.size() <= 128) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "request_id: must be 1 to 128 characters chosen by the caller, so that a repeated request is "
      "recognised");
}

// `spec` is complete and valid.
absl::StatusOr<PlannedRun> Plan(const v1::RunSpec& spec, const v1::TrialInput& input,
                                const v1::Submitter& submitter) {
  PlannedRun planned;
  store::NewRunRow& row = planned.row;
  row.spec = spec;
  row.bindings.assign(input.bindings().begin(), input.bindings().end());
  row.command = submitter.command();
  SHOAL_ASSIGN_OR_RETURN(row.canonical_spec, spec::CanonicalJson(spec));
  v1::Run& run = row.run;
  SHOAL_ASSIGN_OR_RETURN(std::string digest, spec::RequestDigest(spec, input.bindings()));
  run.set_request_digest(std::move(digest));
  run.set_name(spec.name());
  run.set_experiment(spec.experiment());
  run.set_submitted_by(submitter.user());
  run.set_submitted_from(submitter.host());
  run.set_build_id(submitter.build_id());
  run.set_total_steps(spec.train().steps());
  run.set_parameters(input.parameters());
  run.set_train_flops(std::isfinite(input.train_flops()) ? std::max(0.0, input.train_flops()) : 0);
  run.set_memory_bytes(std::max<int64_t>(0, input.memory_bytes()));
  run.set_dataset(spec.data().dataset());
  planned.needs = TrainNeeds(spec, run.memory_bytes());
  return planned;
}

// Plans every trial of `sweep` into `submission`.
absl::Status PlanTrials(const v1::SweepSpec& sweep,
                        const google::protobuf::RepeatedPtrField<v1::TrialInput>& inputs,
                        Submission& submission) {
  SHOAL_ASSIGN_OR_RETURN(const std::vector<spec::Trial> trials, spec::ExpandSweep(sweep));
  if (static_cast<size_t>(inputs.size()) != trials.size()) {
    return absl::InvalidArgumentError(StrCat("trials: the sweep has ", trials.size(),
                                             " trials, inputs were given for ", inputs.size()));
  }
  submission.is_sweep = true;
  submission.sweep_spec = sweep;
  submission.sweep.set_run_count(static_cast<int32_t>(trials.size()));
  submission.sweep.clear_varied();
  for (const std::string& path : spec::VariedPaths(sweep)) submission.sweep.add_varied(path);
  for (size_t i = 0; i < trials.size(); ++i) {
    SHOAL_ASSIGN_OR_RETURN(PlannedRun run, Plan(trials[i].spec, inputs.Get(static_cast<int>(i)),
                                                submission.submitter));
    run.row.run.set_name(trials[i].name);
    for (const std::string& difference : trials[i].differing) run.row.run.add_differing(difference);
    run.key = spec::TrialKey(trials[i]);
    submission.runs.push_back(std::move(run));
  }
  return absl::OkStatus();
}

// What SubmitRun, SubmitSweep and ExtendSweep have in common.
template <typename Request>
absl::StatusOr<Submission> Begin(const Request& request, const char* method) {
  SHOAL_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  Submission submission;
  submission.request_id = request.request_id();
  submission.method = method;
  submission.request_sha256 = store::RequestSha256(request);
  submission.submitter = request.submitter();
  submission.no_reuse = request.no_reuse();
  return submission;
}

}  // namespace

std::string ActorOf(const v1::Submitter& submitter) {
  return StrCat("user:", submitter.user().empty() ? "unknown" : submitter.user(), "@",
                submitter.host().empty() ? "unknown" : submitter.host());
}

scheduler::JobNeeds TrainNeeds(const v1::RunSpec& spec, int64_t estimated_memory_bytes) {
  scheduler::JobNeeds needs;
  // Specs of before there were slots took as many as threads.
  needs.slots =
      spec.resources().has_slots() ? spec.resources().slots() : spec.resources().threads();
  const int64_t named = spec.resources().memory_mib() << 20;
  needs.memory_bytes = named > 0 ? named : estimated_memory_bytes;
  needs.backend = spec.resources().backend();
  needs.dtype = spec.train().dtype();
  needs.time_limit = absl::Seconds(spec.resources().time_limit_s());
  needs.max_attempts = spec.resources().max_attempts();
  return needs;
}

scheduler::JobNeeds ServeNeeds(const v1::RunSpec& spec, absl::Duration idle_timeout) {
  scheduler::JobNeeds needs = TrainNeeds(spec);
  needs.memory_bytes = 0;  // weights alone are small beside training
  needs.time_limit = absl::ZeroDuration();
  needs.idle_timeout = idle_timeout;
  return needs;
}

absl::StatusOr<Submission> PlanRun(const v1::SubmitRunRequest& request) {
  SHOAL_ASSIGN_OR_RETURN(Submission submission, Begin(request, "SubmitRun"));
  v1::RunSpec spec = request.spec();
  spec::FillDefaults(spec);
  SHOAL_RETURN_IF_ERROR(spec::Validate(spec));
  v1::TrialInput input;
  *input.mutable_bindings() = request.bindings();
  input.set_parameters(request.parameters());
  input.set_train_flops(request.train_flops());
  input.set_memory_bytes(request.memory_bytes());
  SHOAL_ASSIGN_OR_RETURN(PlannedRun run, Plan(spec, input, request.submitter()));
  submission.runs.push_back(std::move(run));
  return submission;
}

absl::StatusOr<Submission> PlanSweep(const v1::SubmitSweepRequest& request) {
  SHOAL_ASSIGN_OR_RETURN(Submission submission, Begin(request, "SubmitSweep"));
  submission.sweep.set_name(request.sweep().name().empty() ? "sweep" : request.sweep().name());
  submission.sweep.set_submitted_by(request.submitter().user());
  SHOAL_RETURN_IF_ERROR(PlanTrials(request.sweep(), request.trials(), submission));
  return submission;
}

absl::StatusOr<Submission> PlanExtension(const v1::ExtendSweepRequest& request,
                                         const v1::Sweep& present) {
  SHOAL_ASSIGN_OR_RETURN(Submission submission, Begin(request, "ExtendSweep"));
  submission.is_extension = true;
  submission.sweep = present;
  submission.sweep.clear_runs_by_status();
  SHOAL_RETURN_IF_ERROR(PlanTrials(request.sweep(), request.trials(), submission));
  return submission;
}

}  // namespace shoal::loop
