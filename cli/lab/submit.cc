#include "cli/lab/submit.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "cli/lab/estimate.h"
#include "cli/lab/shipped.h"
#include "cli/lab/upload.h"
#include "cli/output/format.h"
#include "cli/output/json.h"
#include "cli/output/message_json.h"
#include "core/base/build_info.h"
#include "core/base/host_info.h"
#include "core/base/status.h"
#include "core/data/batcher.h"
#include "core/spec/model_counts.h"
#include "core/spec/print.h"
#include "core/spec/training_memory.h"
#include "core/spec/violations.h"

namespace shoal::cli {
namespace {

bool UsesBf16(const v1::RunSpec& spec) {
  if (spec.train().dtype() != "auto") return spec.train().dtype() == "bf16";
  const std::string isa = ReadHostInfo().isa;
  return IsaHas(isa, "avx512_bf16") || IsaHas(isa, "amx_bf16");
}

// Tokens that a run has memory for at a time, as its trainer will find: of batches of examples what
// is likely. An example has one token less as input than in all.
int64_t RowsAtATime(const v1::RunSpec& spec, const PreparedData& data) {
  const v1::BatchSpec& batch = spec.train().batch();
  int64_t rows = batch.size();
  if (batch.unit() != "tokens") {
    rows = std::min(data::LikelyRows(data.mean_tokens - 1, data.tokens_variance,
                                     std::min<int64_t>(batch.size(), data.train_examples)),
                    spec::LargestBatchRows(spec));
  }
  return std::max<int64_t>(std::min(rows, spec.train().batch().micro_tokens()),
                           spec.model().max_seq());
}

// A token with its flag takes three bytes (five in vocabularies above 65,536), an example's entries
// in the file and in the order of an epoch about thirty.
int64_t TokenizedBytes(const PreparedData& data) {
  const double token = data.tokenizer_size > 65536 ? 5 : 3;
  const auto examples = static_cast<double>(data.train_examples + data.held_out_examples);
  return std::llround(examples * (data.mean_tokens * token + 30));
}

std::string UserName() {
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? StrCat("uid", geteuid()) : entry->pw_name;
}

// A source of data that was asked for, or is varied, takes the place of the recipe's.
void ReplaceSource(const std::vector<std::string>& sets, const std::vector<std::string>& varies,
                   v1::DataSpec& data) {
  const auto asked = [&](std::string_view field, const std::string& value) {
    const auto names = [prefix = StrCat("data.", field, "=")](const std::string& text) {
      return text.starts_with(prefix);
    };
    return std::any_of(varies.begin(), varies.end(), names) ||
           (!value.empty() && std::any_of(sets.begin(), sets.end(), names));
  };
  const bool dataset = asked("dataset", data.dataset());
  const bool persona = asked("persona", data.persona());
  const bool train = asked("train", data.train());
  if (!dataset && !persona && !train) return;
  if (!dataset) data.clear_dataset();
  if (!persona) data.clear_persona();
  if (train) return;
  data.clear_train();
  data.clear_held_out();
}

}  // namespace

absl::StatusOr<spec::SpecFile> ReadRecipe(const std::string& recipe,
                                          const std::vector<std::string>& sets,
                                          const std::vector<std::string>& varies) {
  SHOAL_ASSIGN_OR_RETURN(const std::string path, FindRecipe(recipe));
  spec::Violations violations;
  SHOAL_ASSIGN_OR_RETURN(spec::SpecFile file, spec::ParseSpecFile(path, violations));
  for (const std::string& set : sets) spec::ApplySet(file, set, violations);
  ReplaceSource(sets, varies,
                *(file.is_sweep ? file.sweep.mutable_base() : &file.run)->mutable_data());
  if (violations.empty()) return file;
  std::vector<std::string> varied;
  for (const std::string& vary : varies) {
    varied.push_back(vary.substr(0, vary.find('=')));
    v1::SweepSpec scratch;
    const absl::Status status = spec::ApplyVary(scratch, vary);
    if (!status.ok()) violations.Add("", "", StdView(status.message()));
  }
  spec::CheckSoundRules(file, varied, violations);
  return violations.ToStatus();
}

absl::StatusOr<PreparedData> RunPlanner::Prepare(const v1::RunSpec& spec) {
  v1::RunSpec read;
  *read.mutable_data() = spec.data();
  *read.mutable_tokenizer() = spec.tokenizer();
  read.mutable_model()->set_max_seq(spec.model().max_seq());
  read.mutable_model()->set_head(spec.model().head());
  read.mutable_train()->set_loss_on(spec.train().loss_on());
  *read.mutable_train()->mutable_distill()->mutable_teachers() = spec.train().distill().teachers();
  const std::string key = read.SerializeAsString();
  if (const auto it = prepared_.find(key); it != prepared_.end()) return it->second;
  SHOAL_ASSIGN_OR_RETURN(PreparedData data, PrepareData(spec, lab_, quiet_));
  return prepared_.emplace(key, std::move(data)).first->second;
}

absl::StatusOr<PlannedRun> RunPlanner::Plan(spec::Trial trial) {
  PlannedRun planned;
  SHOAL_ASSIGN_OR_RETURN(planned.data, Prepare(trial.spec));
  SHOAL_ASSIGN_OR_RETURN(const int64_t vocab,
                         spec::ResolveVocabSize(trial.spec.model(), planned.data.tokenizer_size));
  planned.vocab_size = vocab;
  planned.parameters = spec::CountParameters(trial.spec.model(), vocab, planned.data.labels).total;
  const double mean = planned.data.mean_tokens;
  const spec::TrainingWork work =
      spec::CountTrainingWork(trial.spec, vocab, mean, planned.data.held_out_examples);
  planned.train_flops = work.flops;
  planned.evaluate_flops = work.evaluate_flops;
  planned.memory_bytes =
      spec::EstimateTrainingMemory(trial.spec, vocab, RowsAtATime(trial.spec, planned.data),
                                   UsesBf16(trial.spec), TokenizedBytes(planned.data))
          .total;
  const v1::TrainSpec& train = trial.spec.train();
  if (train.schedule().warmup_steps() > train.steps()) {
    planned.data.notes.push_back(StrCat(
        "the run ends while its learning rate still warms up: train.schedule.warmup_steps is ",
        train.schedule().warmup_steps(), ", train.steps ", train.steps()));
  }
  planned.seconds = std::numeric_limits<double>::quiet_NaN();
  planned.trial = std::move(trial);
  return planned;
}

v1::Submitter ThisSubmitter(const std::string& command_line) {
  v1::Submitter submitter;
  submitter.set_user(UserName());
  submitter.set_host(ReadHostInfo().hostname);
  submitter.set_build_id(ThisBuild().ToString());
  submitter.set_command(command_line);
  return submitter;
}

absl::StatusOr<v1::SubmitRunResponse> SubmitRun(Lab& lab, const PlannedRun& planned,
                                                const std::string& command_line, bool no_reuse) {
  SHOAL_RETURN_IF_ERROR(Upload(lab, planned.data.files));
  v1::SubmitRunRequest request;
  request.set_request_id(NewRequestId());
  *request.mutable_spec() = planned.trial.spec;
  for (const v1::DataBinding& binding : planned.data.Bindings()) *request.add_bindings() = binding;
  *request.mutable_submitter() = ThisSubmitter(command_line);
  request.set_parameters(planned.parameters);
  request.set_train_flops(planned.train_flops);
  request.set_memory_bytes(planned.memory_bytes);
  request.set_no_reuse(no_reuse);
  return Call(lab.service(), &v1::LabService::Stub::SubmitRun, request);
}

namespace {

// What SubmitSweep and ExtendSweep have in common.
template <typename Request>
absl::StatusOr<Request> SweepRequest(Lab& lab, const v1::SweepSpec& sweep,
                                     const std::vector<PlannedRun>& planned,
                                     const std::string& command_line, bool no_reuse) {
  std::vector<PreparedFile> files;
  Request request;
  request.set_request_id(NewRequestId());
  *request.mutable_sweep() = sweep;
  *request.mutable_submitter() = ThisSubmitter(command_line);
  request.set_no_reuse(no_reuse);
  for (const PlannedRun& run : planned) {
    files.insert(files.end(), run.data.files.begin(), run.data.files.end());
    v1::TrialInput* trial = request.add_trials();
    trial->set_parameters(run.parameters);
    trial->set_train_flops(run.train_flops);
    trial->set_memory_bytes(run.memory_bytes);
    for (const v1::DataBinding& binding : run.data.Bindings()) *trial->add_bindings() = binding;
  }
  SHOAL_RETURN_IF_ERROR(Upload(lab, files));
  return request;
}

}  // namespace

absl::StatusOr<v1::SubmitSweepResponse> SubmitSweep(Lab& lab, const v1::SweepSpec& sweep,
                                                    const std::vector<PlannedRun>& planned,
                                                    const std::string& command_line,
                                                    bool no_reuse) {
  SHOAL_ASSIGN_OR_RETURN(
      const v1::SubmitSweepRequest request,
      SweepRequest<v1::SubmitSweepRequest>(lab, sweep, planned, command_line, no_reuse));
  return Call(lab.service(), &v1::LabService::Stub::SubmitSweep, request);
}

absl::StatusOr<v1::SubmitSweepResponse> ExtendSweep(Lab& lab, const std::string& target,
                                                    const v1::SweepSpec& sweep,
                                                    const std::vector<PlannedRun>& planned,
                                                    const std::string& command_line,
                                                    bool no_reuse) {
  SHOAL_ASSIGN_OR_RETURN(
      v1::ExtendSweepRequest request,
      SweepRequest<v1::ExtendSweepRequest>(lab, sweep, planned, command_line, no_reuse));
  request.set_target(target);
  return Call(lab.service(), &v1::LabService::Stub::ExtendSweep, request);
}

void EstimateSeconds(std::vector<PlannedRun>& planned, const std::string& data_dir, bool quiet) {
  std::vector<PlannedRun*> by_size;
  for (PlannedRun& run : planned) by_size.push_back(&run);
  std::sort(by_size.begin(), by_size.end(), [](const PlannedRun* a, const PlannedRun* b) {
    return a->train_flops < b->train_flops;
  });
  std::vector<PlannedRun*> measured;
  for (const size_t at : {size_t{0}, by_size.size() / 2, by_size.size() - 1}) {
    PlannedRun& run = *by_size[at];
    if (!measured.empty() && measured.back()->train_flops >= run.train_flops) continue;
    if (!quiet) {
      std::fprintf(stderr, "measuring some steps of %s on this machine, to tell its time\n",
                   run.trial.name.c_str());
    }
    const absl::StatusOr<double> result = MeasureSeconds(run.trial.spec, run.data, data_dir);
    if (!result.ok()) {
      run.data.notes.push_back(StrCat("no time estimate: ", result.status().message()));
      continue;
    }
    run.seconds = *result;
    measured.push_back(&run);
  }
  for (PlannedRun& run : planned) {
    if (!std::isnan(run.seconds) || measured.empty()) continue;
    const PlannedRun& nearest = **std::min_element(
        measured.begin(), measured.end(), [&](const PlannedRun* a, const PlannedRun* b) {
          return std::abs(std::log(a->train_flops / run.train_flops)) <
                 std::abs(std::log(b->train_flops / run.train_flops));
        });
    run.seconds = nearest.seconds * run.train_flops / nearest.train_flops;
  }
}

std::string DryRunText(const PlannedRun& planned) {
  std::string out = spec::ToYaml(planned.trial.spec);
  StrAppend(out, "\n# ", planned.trial.name, ": ", WithCommas(planned.parameters), " parameters, ",
            HumanCount(planned.train_flops), "FLOPs of training, about ",
            HumanBytes(planned.memory_bytes), " of memory");
  if (!std::isnan(planned.seconds)) {
    StrAppend(out, " and ", HumanDuration(absl::Seconds(planned.seconds)), " on this machine");
  }
  const spec::ModelShape shape = spec::ShapeOf(planned.trial.spec.model(), planned.vocab_size);
  if (!planned.reuses.empty()) {
    StrAppend(out, "\n# ", planned.reuses,
              " has trained this already and would be reused; --no-reuse trains anew");
  }
  StrAppend(out, "\n# resolved: d_ff ", shape.d_ff, ", vocab_size ", shape.vocab, ", dtype ",
            UsesBf16(planned.trial.spec) ? "bf16" : "f32", " here");
  StrAppend(out, "\n# data: ", WithCommas(planned.data.train_examples), " training examples of ",
            Fixed(planned.data.mean_tokens, 1), " tokens on average, ",
            WithCommas(planned.data.held_out_examples), " held out, tokenizer of ",
            WithCommas(planned.data.tokenizer_size), "\n");
  return out;
}

std::string DryRunJson(const PlannedRun& planned) {
  std::string bindings = "[";
  for (const v1::DataBinding& binding : planned.data.Bindings()) {
    StrAppend(bindings, bindings.size() > 1 ? "," : "", MessageJson(binding));
  }
  const auto number = [](double value) {
    return std::isfinite(value) ? StrCat(std::llround(value)) : std::string("null");
  };
  return StrCat(
      "{\"name\":", JsonText(planned.trial.name), ",\"spec\":", MessageJson(planned.trial.spec),
      ",\"parameters\":", planned.parameters, ",\"training_flops\":", number(planned.train_flops),
      ",\"evaluation_flops\":", number(planned.evaluate_flops),
      ",\"estimated_memory_bytes\":", planned.memory_bytes, ",\"estimated_seconds\":",
      std::isfinite(planned.seconds) ? StrCat(planned.seconds) : std::string("null"),
      ",\"reuses\":", planned.reuses.empty() ? "null" : JsonText(planned.reuses),
      ",\"tokenizer_size\":", planned.data.tokenizer_size,
      ",\"train_examples\":", planned.data.train_examples,
      ",\"held_out_examples\":", planned.data.held_out_examples,
      ",\"mean_tokens\":", planned.data.mean_tokens, ",\"bindings\":", bindings, "]}");
}

}  // namespace shoal::cli
