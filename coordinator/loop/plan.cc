#include "coordinator/loop/plan.h"

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
absl::StatusOr<PlannedRun> Plan(const v1::RunSpec& spec,
                                const google::protobuf::RepeatedPtrField<v1::DataBinding>& bindings,
                                int64_t parameters, const v1::Submitter& submitter) {
  PlannedRun planned;
  store::NewRunRow& row = planned.row;
  row.spec = spec;
  row.bindings.assign(bindings.begin(), bindings.end());
  row.command = submitter.command();
  SHOAL_ASSIGN_OR_RETURN(row.canonical_spec, spec::CanonicalJson(spec));
  v1::Run& run = row.run;
  SHOAL_ASSIGN_OR_RETURN(std::string digest, spec::RequestDigest(spec, bindings));
  run.set_request_digest(std::move(digest));
  run.set_name(spec.name());
  run.set_experiment(spec.experiment());
  run.set_submitted_by(submitter.user());
  run.set_submitted_from(submitter.host());
  run.set_build_id(submitter.build_id());
  run.set_total_steps(spec.train().steps());
  run.set_parameters(parameters);
  planned.needs = TrainNeeds(spec);
  return planned;
}

}  // namespace

std::string ActorOf(const v1::Submitter& submitter) {
  return StrCat("user:", submitter.user().empty() ? "unknown" : submitter.user(), "@",
                submitter.host().empty() ? "unknown" : submitter.host());
}

scheduler::JobNeeds TrainNeeds(const v1::RunSpec& spec) {
  scheduler::JobNeeds needs;
  needs.slots = spec.resources().threads();
  needs.memory_bytes = spec.resources().memory_mib() << 20;
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
  SHOAL_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  v1::RunSpec spec = request.spec();
  spec::FillDefaults(spec);
  SHOAL_RETURN_IF_ERROR(spec::Validate(spec));
  Submission submission;
  submission.request_id = request.request_id();
  submission.method = "SubmitRun";
  submission.request_sha256 = store::RequestSha256(request);
  submission.submitter = request.submitter();
  SHOAL_ASSIGN_OR_RETURN(PlannedRun run,
                         Plan(spec, request.bindings(), request.parameters(), request.submitter()));
  submission.runs.push_back(std::move(run));
  return submission;
}

absl::StatusOr<Submission> PlanSweep(const v1::SubmitSweepRequest& request) {
  SHOAL_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  SHOAL_RETURN_IF_ERROR(spec::Validate(request.sweep()));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<spec::Trial> trials, spec::ExpandSweep(request.sweep()));
  if (static_cast<size_t>(request.trials_size()) != trials.size()) {
    return absl::InvalidArgumentError(StrCat("trials: the sweep has ", trials.size(),
                                             " trials, inputs were given for ",
                                             request.trials_size()));
  }
  Submission submission;
  submission.request_id = request.request_id();
  submission.method = "SubmitSweep";
  submission.request_sha256 = store::RequestSha256(request);
  submission.submitter = request.submitter();
  submission.is_sweep = true;
  submission.sweep_spec = request.sweep();
  submission.sweep.set_name(request.sweep().name().empty() ? "sweep" : request.sweep().name());
  submission.sweep.set_run_count(static_cast<int32_t>(trials.size()));
  submission.sweep.set_submitted_by(request.submitter().user());
  for (const std::string& path : spec::VariedPaths(request.sweep()))
    submission.sweep.add_varied(path);
  for (size_t i = 0; i < trials.size(); ++i) {
    const v1::TrialInput& input = request.trials(static_cast<int>(i));
    SHOAL_ASSIGN_OR_RETURN(PlannedRun run, Plan(trials[i].spec, input.bindings(),
                                                input.parameters(), request.submitter()));
    run.row.run.set_name(trials[i].name);
    run.row.run.set_trial_index(trials[i].index);
    for (const std::string& difference : trials[i].differing) run.row.run.add_differing(difference);
    submission.runs.push_back(std::move(run));
  }
  return submission;
}

}  // namespace shoal::loop
