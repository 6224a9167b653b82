#include "worker/agent/attempt_order.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/base/log.h"
#include "core/base/status.h"
#include "core/data/shard.h"
#include "core/data/tokenizer/tokenizer.h"
#include "core/data/training_text.h"
#include "core/spec/model_counts.h"
#include "core/spec/numerics.h"
#include "core/spec/spec.h"

namespace shoal::agent {
namespace {

constexpr absl::Duration kLongestBackoff = absl::Seconds(1);

absl::StatusOr<v1::NumericsClass> NumericsFor(const AttemptContext& context,
                                              const v1::Assignment& assignment) {
  const v1::Capabilities& here = context.capabilities;
  if (assignment.numerics().backend().empty()) {
    return spec::ResolveNumerics(assignment.spec(), here.backends(), here.host());
  }
  SHOAL_RETURN_IF_ERROR(spec::CheckNumerics(assignment.numerics(), here.backends(), here.host()));
  return assignment.numerics();
}

// From the cache, or from the coordinator as soon as it is there.
absl::StatusOr<ArtifactCache::Pin> Fetch(const AttemptContext& context, const std::string& sha256,
                                         const std::function<bool()>& cancelled) {
  const auto fetch = [&](const std::string& wanted, const ArtifactCache::Sink& sink) {
    return context.client.Download(wanted, [&](std::string_view bytes) {
      return cancelled() ? absl::CancelledError("cancelled while fetching") : sink(bytes);
    });
  };
  absl::Duration backoff = absl::Milliseconds(100);
  while (true) {
    absl::StatusOr<ArtifactCache::Pin> file = context.cache.Get(sha256, fetch);
    if (file.ok() ||
        !(absl::IsUnavailable(file.status()) || absl::IsDeadlineExceeded(file.status())))
      return file;
    if (cancelled()) return absl::CancelledError("cancelled while waiting for the coordinator");
    std::this_thread::sleep_for(absl::ToChronoNanoseconds(backoff));
    backoff = std::min(backoff * 2, kLongestBackoff);
  }
}

data::TextFile FileOf(const v1::AttemptOrder& order, v1::BindingRole role) {
  for (const v1::LocalFile& file : order.files()) {
    if (file.role() == role) return {file.path(), file.file_name()};
  }
  return {};
}

// How many labels a classifier's data has; 0 for other heads, or when the data cannot be read.
int64_t LabelsOf(const v1::AttemptOrder& order) {
  if (order.spec().model().head() != "classifier" || order.spec().model().n_labels() > 0) return 0;
  const absl::StatusOr<data::SplitSource> split = data::ReadTrainingText(
      FileOf(order, v1::BINDING_ROLE_TRAIN), FileOf(order, v1::BINDING_ROLE_HELD_OUT),
      order.spec().data().held_out_fraction());
  return split.ok() ? static_cast<int64_t>(data::ClassesOf(split->train.examples).size()) : 0;
}

// Exactly what the engine will allocate; 0 when the tokenizer cannot be read (the runner will say
// why).
int64_t ParametersOf(const v1::AttemptOrder& order) {
  const data::TextFile file = FileOf(order, v1::BINDING_ROLE_TOKENIZER);
  const absl::StatusOr<data::Tokenizer> tokenizer = data::Tokenizer::Load(file.path);
  if (!tokenizer.ok()) return 0;
  const v1::ModelSpec& model = order.spec().model();
  const absl::StatusOr<int64_t> vocab = spec::ResolveVocabSize(model, tokenizer->vocab_size());
  return vocab.ok() ? spec::CountParameters(model, *vocab, LabelsOf(order)).total : 0;
}

}  // namespace

absl::StatusOr<PreparedOrder> PrepareOrder(const AttemptContext& context,
                                           const v1::Assignment& assignment,
                                           const std::string& work_dir,
                                           const std::function<bool()>& cancelled) {
  PreparedOrder prepared;
  v1::AttemptOrder& order = prepared.order;
  order.set_run_id(assignment.run_id());
  order.set_run_name(assignment.run_name());
  order.set_job_id(assignment.key().job_id());
  order.set_attempt_number(assignment.key().attempt_number());
  order.set_kind(assignment.kind());
  *order.mutable_spec() = assignment.spec();
  order.set_work_dir(work_dir);
  order.set_cache_dir(context.cache.folder());
  SHOAL_ASSIGN_OR_RETURN(*order.mutable_numerics(), NumericsFor(context, assignment));
  const auto fetch = [&](const std::string& sha256) -> absl::StatusOr<std::string> {
    SHOAL_ASSIGN_OR_RETURN(ArtifactCache::Pin file, Fetch(context, sha256, cancelled));
    prepared.files.push_back(std::move(file));
    return prepared.files.back().path();
  };
  for (const v1::DataBinding& binding : assignment.bindings()) {
    v1::LocalFile& file = *order.add_files();
    file.set_role(binding.role());
    file.set_sha256(binding.sha256());
    file.set_file_name(binding.file_name());
    // What a run began from counts for its digest, and is needed once; teachers only to train.
    if (binding.role() == v1::BINDING_ROLE_INIT_FROM &&
        (assignment.has_resume_from() || assignment.has_weights())) {
      continue;
    }
    if (binding.role() == v1::BINDING_ROLE_TEACHER && assignment.has_weights()) continue;
    SHOAL_ASSIGN_OR_RETURN(*file.mutable_path(), fetch(binding.sha256()), "fetching ",
                           binding.file_name());
  }
  if (assignment.has_resume_from()) {
    SHOAL_ASSIGN_OR_RETURN(*order.mutable_resume_from(),
                           fetch(assignment.resume_from().artifact().sha256()),
                           "fetching the checkpoint of step ", assignment.resume_from().step());
    prepared.started.set_resumed_from_step(assignment.resume_from().step());
  }
  if (assignment.has_weights()) {
    SHOAL_ASSIGN_OR_RETURN(*order.mutable_weights(),
                           fetch(assignment.weights().artifact().sha256()),
                           "fetching the weights of step ", assignment.weights().step());
    order.set_weights_step(assignment.weights().step());
  }
  *prepared.started.mutable_numerics() = order.numerics();
  prepared.started.set_parameters(ParametersOf(order));
  return prepared;
}

}  // namespace shoal::agent
