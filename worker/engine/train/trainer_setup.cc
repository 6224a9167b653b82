// How a trainer comes to be: programs recorded, memory allocated, plans made.
#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/model_counts.h"
#include "worker/engine/train/trainer.h"

namespace shoal::engine {
namespace {

data::BatcherOptions BatchesOf(const TrainerOptions& options) {
  data::BatcherOptions batches;
  const v1::BatchSpec& spec = options.train.batch();
  batches.unit = spec.unit() == "tokens" ? data::BatchUnit::kTokens : data::BatchUnit::kExamples;
  batches.size = spec.size();
  batches.loss_on =
      options.train.loss_on() == "response" ? data::LossOn::kResponse : data::LossOn::kAll;
  batches.seed = options.seed;
  batches.whole = TaskOf(options.model) != Task::kNextToken;
  return batches;
}

absl::Status CheckShard(const data::Shard& shard, const TrainerOptions& options,
                        std::string_view which) {
  if (shard.vocab_size() > options.vocab_size) {
    return absl::InvalidArgumentError(StrCat("the ", which, " data has tokens up to ",
                                             shard.vocab_size() - 1, ", the model has ",
                                             options.vocab_size, " rows (model.vocab_size)"));
  }
  if (TaskOf(options.model) != Task::kNextToken) {
    for (int64_t i = 0; i < shard.examples(); ++i) {
      if (shard.Length(i) <= options.model.max_seq()) continue;
      return absl::InvalidArgumentError(StrCat("the ", which, " data has an example of ",
                                               shard.Length(i), " tokens, the model sees ",
                                               options.model.max_seq(), " (model.max_seq)"));
    }
  }
  if (shard.max_seq() > options.model.max_seq()) {
    return absl::InvalidArgumentError(StrCat("the ", which, " data was cut for ", shard.max_seq(),
                                             " positions, the model has ", options.model.max_seq(),
                                             " (model.max_seq)"));
  }
  return absl::OkStatus();
}

// The names of the classes, from the training data; model.n_labels may ask for room for more.
absl::StatusOr<std::vector<std::string>> LabelsOf(const data::Shard& train,
                                                  const v1::ModelSpec& model) {
  std::vector<std::string> labels;
  if (TaskOf(model) != Task::kLabels) return labels;
  labels = train.ClassNames();
  if (labels.empty()) {
    return absl::InvalidArgumentError("head classifier needs training data with labels");
  }
  const auto wanted = static_cast<size_t>(model.n_labels());
  if (wanted != 0 && wanted < labels.size()) {
    return absl::InvalidArgumentError(StrCat("model.n_labels: must be 0 or at least ",
                                             labels.size(), ", the labels of the data; is ",
                                             wanted));
  }
  while (labels.size() < wanted) labels.push_back(StrCat("unused ", labels.size()));
  return labels;
}

}  // namespace

absl::StatusOr<Dtype> ParseDtype(std::string_view name) {
  if (name == "f32") return Dtype::kF32;
  if (name == "bf16") return Dtype::kBf16;
  return absl::InvalidArgumentError(
      StrCat("dtype '", name, "' is not resolved: expected f32 or bf16"));
}

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(Device& device,
                                                         const TrainerOptions& options,
                                                         data::Shard train,
                                                         std::optional<data::Shard> held_out) {
  SHOAL_RETURN_IF_ERROR(CheckShard(train, options, "training"));
  if (held_out.has_value()) {
    SHOAL_RETURN_IF_ERROR(CheckShard(*held_out, options, "held-out"));
  }
  SHOAL_ASSIGN_OR_RETURN(std::vector<std::string> labels, LabelsOf(train, options.model));
  SHOAL_ASSIGN_OR_RETURN(data::Batcher batcher, data::Batcher::Create(train, BatchesOf(options)));
  std::unique_ptr<Trainer> trainer(
      new Trainer(device, options, std::move(labels), std::move(batcher)));
  SHOAL_ASSIGN_OR_RETURN(trainer->act_, ParseDtype(options.train.dtype()));
  SHOAL_RETURN_IF_ERROR(trainer->Prepare(train, std::move(held_out)));
  return trainer;
}

Trainer::Trainer(Device& device, const TrainerOptions& options, std::vector<std::string> labels,
                 data::Batcher batcher)
    : device_(device),
      options_(options),
      labels_(std::move(labels)),
      model_(options.model, options.vocab_size, static_cast<int64_t>(labels_.size())),
      task_(TaskOf(options.model)),
      act_(Dtype::kF32),
      batcher_(std::move(batcher)),
      batch_(batcher_.MakeBatch()) {}

absl::Status Trainer::Prepare(const data::Shard& train, std::optional<data::Shard> held_out) {
  const int64_t longest = options_.model.max_seq();
  const int64_t limit = std::max(options_.train.batch().micro_tokens(), longest);
  // A batch of more rows than are likely is worked through in parts.
  capacity_.rows = std::min(batcher_.capacity().likely_rows, limit);
  capacity_.sequences = batcher_.capacity().sequences;
  if (held_out.has_value()) {
    held_out_ = std::move(held_out);
    data::BatcherOptions batches = BatchesOf(options_);
    batches.unit = data::BatchUnit::kTokens;
    batches.size = std::max(capacity_.rows, longest);
    batches.shuffle = false;
    SHOAL_ASSIGN_OR_RETURN(held_out_batcher_, data::Batcher::Create(*held_out_, batches),
                           "held-out data");
    held_out_batch_ = held_out_batcher_->MakeBatch();
    capacity_.rows = std::max(capacity_.rows, held_out_batcher_->capacity().rows);
    capacity_.sequences = std::max(capacity_.sequences, held_out_batcher_->capacity().sequences);
  }
  capacity_.selected = capacity_.sequences;
  if (task_ == Task::kMaskedTokens) {
    if (options_.mask_token < 0) {
      return absl::InvalidArgumentError("head mlm needs a tokenizer with a [MASK] token");
    }
    const double probability = options_.train.mask_probability();
    masking_.emplace(train, options_.mask_token, probability);
    capacity_.selected = std::min(
        capacity_.rows,
        std::max(longest,
                 data::LikelyRows(probability, probability * (1 - probability), capacity_.rows)));
  }
  offsets_.resize(static_cast<size_t>(capacity_.sequences) + 1);
  losses_.resize(static_cast<size_t>(capacity_.rows));

  const spec::TokenFlops flops = spec::FlopsPerToken(options_.model, options_.vocab_size, 1);
  flops_per_row_ = flops.linear;
  flops_per_target_ = flops.head_row;

  const v1::OptimizerSpec& optimizer = options_.train.optimizer();
  const ParameterLayout layout(model_.Parameters(), {.decay_all = optimizer.decay() == "all",
                                                     .muon = optimizer.kind() == "muon"});
  SHOAL_ASSIGN_OR_RETURN(weights_, Weights::Create(device_, layout, act_));
  SHOAL_RETURN_IF_ERROR(weights_->Initialize(options_.seed));
  if (options_.train.ema_decay() > 0) {
    SHOAL_ASSIGN_OR_RETURN(average_, Weights::Create(device_, layout, act_));
    SHOAL_RETURN_IF_ERROR(average_->Initialize(options_.seed));
  }
  SHOAL_RETURN_IF_ERROR(RecordPrograms());
  SHOAL_RETURN_IF_ERROR(PrepareTeachers());
  SHOAL_RETURN_IF_ERROR(AllocateBuffers());
  SHOAL_RETURN_IF_ERROR(MakePlanOf(accumulate_, *weights_));
  SHOAL_RETURN_IF_ERROR(MakePlanOf(update_, *weights_));
  SHOAL_RETURN_IF_ERROR(MakePlanOf(evaluate_, *weights()));
  for (size_t i = 0; i < teach_.size(); ++i) {
    SHOAL_RETURN_IF_ERROR(MakePlanOf(teach_[i], *options_.teachers[i].weights), "teacher ", i + 1);
  }
  return absl::OkStatus();
}

absl::Status Trainer::RecordPrograms() {
  const Recording recording = {model_, weights_->layout(), io_layout_,
                               act_,   capacity_,          options_.fuse};
  SHOAL_ASSIGN_OR_RETURN(accumulate_.program, RecordAccumulate(recording, options_.train));
  update_.program = RecordUpdate(recording, options_.train);
  evaluate_.program = RecordEvaluate(recording);
  return absl::OkStatus();
}

// Teachers see the student's batches, so they must speak of the same tokens and labels.
absl::Status Trainer::PrepareTeachers() {
  const int count = static_cast<int>(options_.teachers.size());
  if (count != options_.train.distill().teachers_size()) {
    return absl::InvalidArgumentError(StrCat("train.distill names ",
                                             options_.train.distill().teachers_size(),
                                             " teachers, given were ", count));
  }
  for (int i = 0; i < count; ++i) {
    const LoadedModel& teacher = options_.teachers[static_cast<size_t>(i)];
    const std::string& name = options_.train.distill().teachers(i);
    if (teacher.spec.head() != options_.model.head() || teacher.labels != labels_) {
      return absl::InvalidArgumentError(
          StrCat("teacher ", name, " has another head or other labels than the student"));
    }
    if (task_ == Task::kLabels && teacher.spec.pooler() == "cls" &&
        teacher.spec.kind() != options_.model.kind()) {
      return absl::InvalidArgumentError(StrCat("teacher ", name, " is a ", teacher.spec.kind(),
                                               " and the student a ", options_.model.kind(),
                                               ": they answer from different tokens (pooler cls)"));
    }
    if (teacher.vocab_size != options_.vocab_size) {
      return absl::InvalidArgumentError(StrCat("teacher ", name, " has ", teacher.vocab_size,
                                               " tokens, the student ", options_.vocab_size));
    }
    if (teacher.spec.max_seq() < options_.model.max_seq()) {
      return absl::InvalidArgumentError(StrCat("teacher ", name, " has ", teacher.spec.max_seq(),
                                               " positions, the student ", options_.model.max_seq(),
                                               " (model.max_seq)"));
    }
    const Transformer model = teacher.transformer();
    const Recording recording = {
        model, teacher.weights->layout(), io_layout_, act_, capacity_, options_.fuse};
    teach_.emplace_back().program = RecordTeach(recording, options_.train.distill(), i, count);
  }
  return absl::OkStatus();
}

absl::Status Trainer::AllocateBuffers() {
  const int64_t flat = weights_->layout().flat_elements() * 4;
  int64_t arena = std::max(accumulate_.program.arena_bytes, evaluate_.program.arena_bytes);
  for (const Planned& teacher : teach_) arena = std::max(arena, teacher.program.arena_bytes);
  SHOAL_ASSIGN_OR_RETURN(gradients_, device_.Allocate(flat), "gradients");
  SHOAL_ASSIGN_OR_RETURN(moment1_, device_.Allocate(flat), "optimizer state");
  SHOAL_ASSIGN_OR_RETURN(moment2_, device_.Allocate(4 * weights_->layout().adamw_elements()),
                         "optimizer state");
  SHOAL_ASSIGN_OR_RETURN(arena_, device_.Allocate(arena), "activations of ", capacity_.rows,
                         " tokens");
  SHOAL_ASSIGN_OR_RETURN(io_, device_.Allocate(io_layout_.size_bytes()), "batches");
  return absl::OkStatus();
}

absl::Status Trainer::MakePlanOf(Planned& planned, const Weights& weights) {
  Buffers buffers{};
  auto at = [&](Region region) -> const Buffer*& { return buffers[static_cast<size_t>(region)]; };
  at(Region::kArena) = &arena_;
  at(Region::kMaster) = &weights.master();
  at(Region::kCopy) = &weights.copy();
  at(Region::kGradient) = &gradients_;
  at(Region::kMoment1) = &moment1_;
  at(Region::kMoment2) = &moment2_;
  at(Region::kIo) = &io_;
  if (average_ != nullptr) {
    at(Region::kAverage) = &average_->master();
    at(Region::kAverageCopy) = &average_->copy();
  }
  SHOAL_ASSIGN_OR_RETURN(planned.plan, MakePlan(device_, planned.program, buffers));
  if (options_.profile) planned.profile = Profile(planned.program);
  return absl::OkStatus();
}

int64_t Trainer::memory_bytes() const {
  int64_t total = 0;
  const auto add = [&total](const Weights& weights) {
    total += weights.master().size_bytes() + weights.copy().size_bytes();
  };
  add(*weights_);
  if (average_ != nullptr) add(*average_);
  for (const LoadedModel& teacher : options_.teachers) add(*teacher.weights);
  for (const Buffer* buffer : {&gradients_, &moment1_, &moment2_, &arena_, &io_}) {
    total += buffer->size_bytes();
  }
  return total;
}

std::string Trainer::Listing() const {
  return StrCat(accumulate_.program.Listing(), update_.program.Listing(),
                evaluate_.program.Listing());
}

std::string Trainer::ProfileReport(const Roofline& roofline) const {
  return StrCat(accumulate_.profile.Report(accumulate_.program, roofline),
                update_.profile.Report(update_.program, roofline),
                evaluate_.profile.Report(evaluate_.program, roofline));
}

}  // namespace shoal::engine
