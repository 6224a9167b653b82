// shoal extend: more of a sweep, or more steps of a run.

#include <algorithm>

#include "cli/commands/command.h"
#include "cli/commands/submitting.h"
#include "cli/lab/files_check.h"
#include "core/base/status.h"
#include "core/spec/search_space.h"

namespace shoal::cli {
namespace {

struct ExtendOptions {
  std::string target;
  std::vector<std::string> varies;
  int repeats = 0;  // 0: not given
  int trials = 0;
  int64_t steps = 0;
  std::string name;
  SubmitOptions submit;
};

// ---- a sweep -----------------------------------------------------------------------------------

// Values in both lists once, the old ones first: an extension only adds.
absl::Status Widen(v1::SweepSpec& sweep, const std::string& vary) {
  const v1::SweepSpec before = sweep;
  SHOAL_RETURN_IF_ERROR(spec::ApplyVary(sweep, vary));
  const std::string path(StripSpace(std::string_view(vary).substr(0, vary.find('='))));
  const auto old = before.space().find(path);
  v1::AxisSpec& axis = (*sweep.mutable_space())[path];
  if (old == before.space().end() || old->second.values_size() == 0 || axis.values_size() == 0) {
    return absl::OkStatus();
  }
  v1::AxisSpec both = old->second;
  for (const std::string& value : axis.values()) {
    if (std::find(both.values().begin(), both.values().end(), value) == both.values().end())
      both.add_values(value);
  }
  axis = both;
  return absl::OkStatus();
}

absl::StatusOr<v1::SweepSpec> Extended(const ExtendOptions& options, const v1::Sweep& sweep) {
  v1::SweepSpec spec = sweep.spec();
  const int32_t repeats = std::max(1, spec.repeats());
  if (options.repeats != 0) {
    if (options.repeats <= repeats) {
      return absl::InvalidArgumentError(StrCat("--repeats: must be more than ", repeats,
                                               ", which the sweep has, is ", options.repeats));
    }
    spec.set_repeats(options.repeats);
  }
  if (options.trials != 0) {
    if (spec.strategy() != "random") {
      return absl::InvalidArgumentError(
          StrCat("--trials: ", sweep.name(), " is a grid; it grows by --vary and --repeats"));
    }
    if (options.trials <= spec.trials()) {
      return absl::InvalidArgumentError(StrCat("--trials: must be more than ", spec.trials(),
                                               ", which the sweep has, is ", options.trials));
    }
    spec.set_trials(options.trials);
  }
  for (const std::string& vary : options.varies) SHOAL_RETURN_IF_ERROR(Widen(spec, vary));
  return spec;
}

absl::Status ExtendASweep(Globals& globals, Lab& lab, const ExtendOptions& options) {
  v1::GetSweepRequest get;
  get.set_sweep(options.target);
  SHOAL_ASSIGN_OR_RETURN(const v1::Sweep sweep,
                         Call(lab.service(), &v1::LabService::Stub::GetSweep, get));
  SHOAL_ASSIGN_OR_RETURN(const v1::SweepSpec spec, Extended(options, sweep));
  SHOAL_RETURN_IF_ERROR(CheckFiles(spec.base()));
  SHOAL_ASSIGN_OR_RETURN(std::vector<spec::Trial> trials, spec::ExpandSweep(spec));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<PlannedRun> planned,
                         PlanAll(globals, std::move(trials), options.submit.dry_run));
  if (options.submit.dry_run) {
    PrintSweepDryRun(globals, planned);
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(const v1::SubmitSweepResponse response,
                         ExtendSweep(lab, sweep.sweep_id(), spec, planned, globals.command_line,
                                     options.submit.no_reuse));
  return FinishSweep(
      globals, options.submit, response,
      StrCat("extended sweep ", response.sweep().name(), "  (", response.sweep().sweep_id(), ", ",
             response.runs_size(), " more runs, now ", response.sweep().run_count(), ")"));
}

// ---- a run -------------------------------------------------------------------------------------

// "tiny" and 4000 -> "tiny-t4000"; "tiny-t2000" and 4000 -> the same.
std::string NameOfLonger(const std::string& name, int64_t before, int64_t steps) {
  const std::string old_end = StrCat("-", spec::ShortTag("train.steps", StrCat(before)));
  const std::string end = StrCat("-", spec::ShortTag("train.steps", StrCat(steps)));
  std::string base = name;
  if (base.ends_with(old_end)) base.resize(base.size() - old_end.size());
  return base.substr(0, 64 - end.size()) + end;
}

absl::StatusOr<v1::SubmitRunRequest> LongerRun(const Globals& globals, const ExtendOptions& options,
                                               const v1::RunDetail& detail) {
  const v1::Run& run = detail.run();
  const v1::Checkpoint* newest = nullptr;
  for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
    if (checkpoint.kind() == v1::CHECKPOINT_KIND_RESUMABLE) newest = &checkpoint;
  }
  const int64_t before = detail.spec().train().steps();
  if (options.steps <= before) {
    return absl::InvalidArgumentError(StrCat("--steps: must be more than ", before, ", which ",
                                             run.name(), " was asked to train, is ",
                                             options.steps));
  }
  if (newest == nullptr) {
    return absl::FailedPreconditionError(
        StrCat("run ", run.name(), " has no resumable checkpoint to go on from; `shoal show ",
               run.name(), "` lists what it has"));
  }
  v1::SubmitRunRequest request;
  request.set_request_id(NewRequestId());
  v1::RunSpec& spec = *request.mutable_spec();
  spec = detail.spec();
  spec.set_name(options.name.empty() ? NameOfLonger(run.name(), before, options.steps)
                                     : options.name);
  spec.mutable_train()->set_steps(options.steps);
  for (const v1::DataBinding& binding : detail.bindings()) {
    if (binding.role() != v1::BINDING_ROLE_INIT_FROM) *request.add_bindings() = binding;
  }
  v1::DataBinding& from = *request.add_bindings();
  from.set_role(v1::BINDING_ROLE_INIT_FROM);
  from.set_sha256(newest->artifact().sha256());
  from.set_size_bytes(newest->artifact().size_bytes());
  from.set_file_name(StrCat(run.name(), "-step", newest->step(), ".safetensors"));
  *request.mutable_submitter() = ThisSubmitter(globals.command_line);
  request.set_parameters(run.parameters());
  request.set_train_flops(run.train_flops() * static_cast<double>(options.steps) /
                          static_cast<double>(before));
  request.set_memory_bytes(run.memory_bytes());
  request.set_no_reuse(options.submit.no_reuse);
  return request;
}

absl::Status ExtendARun(Globals& globals, Lab& lab, const ExtendOptions& options) {
  v1::GetRunRequest get;
  get.set_run(options.target);
  // A run that still trains drops old checkpoints: what was just listed may be gone.
  for (int tries = 0;; ++tries) {
    SHOAL_ASSIGN_OR_RETURN(const v1::RunDetail detail,
                           Call(lab.service(), &v1::LabService::Stub::GetRun, get));
    SHOAL_ASSIGN_OR_RETURN(const v1::SubmitRunRequest request, LongerRun(globals, options, detail));
    if (options.submit.dry_run) {
      const v1::DataBinding& from = request.bindings(request.bindings_size() - 1);
      if (globals.json) {
        JsonReply().Add("spec", request.spec()).Add("from", from).Print();
      } else {
        std::printf("%s to step %lld, from %s\n", request.spec().name().c_str(),
                    static_cast<long long>(options.steps), from.file_name().c_str());
      }
      return absl::OkStatus();
    }
    const absl::StatusOr<v1::SubmitRunResponse> response =
        Call(lab.service(), &v1::LabService::Stub::SubmitRun, request);
    if (response.ok()) return FinishRun(globals, options.submit, *response);
    if (!absl::IsFailedPrecondition(response.status()) || tries == 3) return response.status();
  }
}

absl::Status Extend(Globals& globals, const ExtendOptions& options) {
  const bool of_sweep = options.repeats != 0 || options.trials != 0 || !options.varies.empty();
  if (of_sweep == (options.steps != 0)) {
    return absl::InvalidArgumentError(
        "say what there shall be more of: --steps N of a run; --repeats N, --trials N or --vary "
        "PATH=VALUES of a sweep");
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  return of_sweep ? ExtendASweep(globals, lab, options) : ExtendARun(globals, lab, options);
}

}  // namespace

void AddExtend(CLI::App& app, Globals& globals) {
  const auto options = std::make_shared<ExtendOptions>();
  CLI::App* command = AddCommand(
      app, globals,
      {"extend",
       "Add runs to a sweep, or steps to a run",
       {"shoal extend depth --repeats 5",
        "shoal extend depth --vary model.n_layers=8  # adds a value to those that are there",
        "shoal extend tiny --steps 4000"},
       "A sweep's runs keep their names and places; what is new comes after them. A run's "
       "extension "
       "is a new run that goes on from its newest resumable checkpoint, with the learning-rate "
       "schedule of the new length."},
      [&globals, options] { return Extend(globals, *options); });
  command->add_option("target", options->target, "A sweep or a run: id, name or `last`")
      ->required();
  command->add_option("--repeats", options->repeats, "Runs of each setting, in all");
  command->add_option("--trials", options->trials, "Random settings, in all");
  command
      ->add_option("--vary", options->varies,
                   "PATH=A,B: values to add; PATH=MIN..MAX: a wider range instead")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--steps", options->steps, "Steps of the run, in all")
      ->check(CLI::PositiveNumber);
  command->add_option("--name", options->name, "Name of the longer run");
  AddSubmitOptions(*command, options->submit);
}

}  // namespace shoal::cli
