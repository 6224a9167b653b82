// How a trainer comes to be: programs recorded, memory allocated, plans made.
#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/model_counts.h"
#include "worker/engine/train/train_programs.h"
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
  return batches;
}

absl::Status CheckShard(const data::Shard& shard, const TrainerOptions& options,
                        std::string_view which) {
  if (shard.vocab_size() > options.vocab_size) {
    return absl::InvalidArgumentError(StrCat("the ", which, " data has tokens up to ",
                                             shard.vocab_size() - 1, ", the model has ",
                                             options.vocab_size, " rows (model.vocab_size)"));
  }
  if (shard.max_seq() > options.model.max_seq()) {
    return absl::InvalidArgumentError(StrCat("the ", which, " data was cut for ", shard.max_seq(),
                                             " positions, the model has ", options.model.max_seq(),
                                             " (model.max_seq)"));
  }
  return absl::OkStatus();
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
  SHOAL_ASSIGN_OR_RETURN(data::Batcher batcher,
                         data::Batcher::Create(std::move(train), BatchesOf(options)));
  std::unique_ptr<Trainer> trainer(new Trainer(device, options, std::move(batcher)));
  SHOAL_ASSIGN_OR_RETURN(trainer->act_, ParseDtype(options.train.dtype()));
  SHOAL_RETURN_IF_ERROR(trainer->Prepare(std::move(held_out)));
  return trainer;
}

Trainer::Trainer(Device& device, const TrainerOptions& options, data::Batcher batcher)
    : device_(device),
      options_(options),
      decoder_(options.model, options.vocab_size),
      act_(Dtype::kF32),
      batcher_(std::move(batcher)),
      batch_(batcher_.MakeBatch()) {}

absl::Status Trainer::Prepare(std::optional<data::Shard> held_out) {
  const int64_t longest = options_.model.max_seq();
  const int64_t limit = std::max(options_.micro_batch_rows, longest);
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
  offsets_.resize(static_cast<size_t>(capacity_.sequences) + 1);
  row_losses_.resize(static_cast<size_t>(capacity_.rows));

  const spec::TokenFlops flops = spec::FlopsPerToken(options_.model, options_.vocab_size, 1);
  flops_per_row_ = flops.linear + flops.head;
  flops_per_context_ = flops.attention;

  ParameterLayout layout(decoder_.Parameters(), options_.train.optimizer().decay() == "all");
  SHOAL_ASSIGN_OR_RETURN(weights_, Weights::Create(device_, std::move(layout), act_));
  SHOAL_RETURN_IF_ERROR(weights_->Initialize(options_.seed));
  SHOAL_RETURN_IF_ERROR(RecordPrograms());
  SHOAL_RETURN_IF_ERROR(AllocateBuffers());
  for (Planned* planned : {&accumulate_, &update_, &evaluate_}) {
    SHOAL_RETURN_IF_ERROR(MakePlanOf(*planned));
  }
  return absl::OkStatus();
}

absl::Status Trainer::RecordPrograms() {
  const Recording recording = {decoder_, weights_->layout(), io_layout_,
                               act_,     capacity_,          options_.fuse};
  SHOAL_ASSIGN_OR_RETURN(accumulate_.program, RecordAccumulate(recording));
  update_.program = RecordUpdate(recording, options_.train);
  evaluate_.program = RecordEvaluate(recording);
  return absl::OkStatus();
}

absl::Status Trainer::AllocateBuffers() {
  const int64_t flat = weights_->layout().flat_elements() * 4;
  const int64_t arena = std::max(accumulate_.program.arena_bytes, evaluate_.program.arena_bytes);
  SHOAL_ASSIGN_OR_RETURN(gradients_, device_.Allocate(flat), "gradients");
  SHOAL_ASSIGN_OR_RETURN(moment1_, device_.Allocate(flat), "optimizer state");
  SHOAL_ASSIGN_OR_RETURN(moment2_, device_.Allocate(flat), "optimizer state");
  SHOAL_ASSIGN_OR_RETURN(arena_, device_.Allocate(arena), "activations of ", capacity_.rows,
                         " tokens");
  SHOAL_ASSIGN_OR_RETURN(io_, device_.Allocate(io_layout_.size_bytes()), "batches");
  return absl::OkStatus();
}

absl::Status Trainer::MakePlanOf(Planned& planned) {
  Buffers buffers{};
  auto at = [&](Region region) -> const Buffer*& { return buffers[static_cast<size_t>(region)]; };
  at(Region::kArena) = &arena_;
  at(Region::kMaster) = &weights_->master();
  at(Region::kCopy) = &weights_->copy();
  at(Region::kGradient) = &gradients_;
  at(Region::kMoment1) = &moment1_;
  at(Region::kMoment2) = &moment2_;
  at(Region::kIo) = &io_;
  SHOAL_ASSIGN_OR_RETURN(planned.plan, MakePlan(device_, planned.program, buffers));
  if (options_.profile) planned.profile = Profile(planned.program);
  return absl::OkStatus();
}

int64_t Trainer::memory_bytes() const {
  int64_t total = weights_->master().size_bytes() + weights_->copy().size_bytes();
  for (const Buffer* buffer : {&gradients_, &moment1_, &moment2_, &arena_, &io_}) {
    total += buffer->size_bytes();
  }
  return total;
}

std::string Trainer::Listing() const {
  return StrCat(accumulate_.program.Listing(), update_.program.Listing(),
                evaluate_.program.Listing());
}

std::string Trainer::ProfileReport() const {
  return StrCat(accumulate_.profile.Report(accumulate_.program),
                update_.profile.Report(update_.program),
                evaluate_.profile.Report(evaluate_.program));
}

}  // namespace shoal::engine
