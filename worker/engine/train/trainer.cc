#include "worker/engine/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/bits_per_byte.h"
#include "core/spec/model_counts.h"
#include "worker/engine/train/schedule.h"
#include "worker/engine/train/train_programs.h"

namespace shoal::engine {
namespace {

constexpr std::string_view kNotFinite = "shoal.engine/not-finite";

absl::Status NotFinite(std::string_view what, double value, int64_t step) {
  absl::Status status =
      absl::OutOfRangeError(StrCat(what, " became ", value, " at step ", step,
                                   "; a smaller learning rate or a longer warm-up may help"));
  status.SetPayload(AbslView(kNotFinite), absl::Cord(AbslView(what)));
  return status;
}

// Micro-batches of a step draw different dropout masks.
uint64_t DropoutSeed(uint64_t seed, int64_t micro_batch) {
  return seed + static_cast<uint64_t>(micro_batch) * 0x9e3779b97f4a7c15;
}

}  // namespace

// ---- one step ----------------------------------------------------------------------------------

absl::StatusOr<StepResult> Trainer::Step() {
  StepResult result;
  result.step = step_;
  result.learning_rate = LearningRate(options_.train, step_);

  batcher_.Fill(step_, batch_);
  SHOAL_ASSIGN_OR_RETURN(const double nats, Accumulate());
  result.loss = nats / static_cast<double>(std::max<int64_t>(batch_.loss_tokens, 1));
  if (!std::isfinite(result.loss)) return NotFinite("the loss", result.loss, step_);

  SHOAL_ASSIGN_OR_RETURN(result.gradient_norm, Update(result.learning_rate));
  if (!std::isfinite(result.gradient_norm)) {
    return NotFinite("the gradient's norm", result.gradient_norm, step_);
  }

  result.rows = batch_.rows;
  result.loss_tokens = batch_.loss_tokens;
  result.epoch = batch_.epoch;
  CountTotals();
  ++step_;
  return result;
}

// Forward and backward of the whole batch, in micro-batches of whole sequences. Returns the summed
// loss in nats; the gradients are those of the mean over the step's counted tokens.
absl::StatusOr<double> Trainer::Accumulate() {
  double nats = 0;
  int64_t index = 0;
  for (int64_t sequence = 0; sequence < batch_.sequences; ++index) {
    const MicroBatch part = NextMicroBatch(batch_, sequence);
    SHOAL_RETURN_IF_ERROR(Upload(batch_, part));
    shoal_scalars scalars = ScalarsOf(part, accumulate_);
    scalars.training = 1;
    scalars.accumulate = index > 0 ? 1 : 0;
    scalars.seed = DropoutSeed(options_.seed, index);
    scalars.loss_scale =
        static_cast<float>(1.0 / static_cast<double>(std::max<int64_t>(batch_.loss_tokens, 1)));
    SHOAL_RETURN_IF_ERROR(accumulate_.plan.Run(scalars));
    SHOAL_ASSIGN_OR_RETURN(const float total, ReadScalar("total"));
    nats += static_cast<double>(total);
    sequence = part.end_sequence;
  }
  return nats;
}

absl::StatusOr<double> Trainer::Update(double learning_rate) {
  shoal_scalars scalars = ScalarsOf(MicroBatch{}, update_);
  scalars.lr = static_cast<float>(learning_rate);
  SHOAL_RETURN_IF_ERROR(update_.plan.Run(scalars));
  SHOAL_ASSIGN_OR_RETURN(const float norm, ReadScalar("norm"));
  return static_cast<double>(norm);
}

// ---- evaluation --------------------------------------------------------------------------------

absl::StatusOr<EvaluateResult> Trainer::Evaluate(int64_t max_examples) {
  if (!held_out_batcher_.has_value()) {
    return absl::FailedPreconditionError("there is no held-out data to evaluate on");
  }
  const int64_t wanted = max_examples > 0 ? std::min(max_examples, held_out_batcher_->examples())
                                          : held_out_batcher_->examples();
  data::BitsPerByte bits(held_out_->TokenByteCounts());
  EvaluateResult result;
  double nats = 0;
  for (int64_t i = 0; result.examples < wanted; ++i) {
    held_out_batcher_->Fill(i, held_out_batch_);
    MicroBatch part = NextMicroBatch(held_out_batch_, 0);
    const int64_t surplus = result.examples + part.sequences() - wanted;
    if (surplus > 0) {
      part.end_sequence -= surplus;
      const auto end = static_cast<size_t>(part.end_sequence);
      part.rows = held_out_batch_.sequence_offsets[end];
    }
    SHOAL_RETURN_IF_ERROR(Upload(held_out_batch_, part));
    SHOAL_RETURN_IF_ERROR(evaluate_.plan.Run(ScalarsOf(part, evaluate_)));
    const std::span<float> losses(row_losses_.data(), static_cast<size_t>(part.rows));
    SHOAL_RETURN_IF_ERROR(io_.Read(io_layout_.OffsetOf("loss"), losses.data(), part.rows * 4));
    const std::span<const int32_t> targets(held_out_batch_.targets.data(), losses.size());
    for (size_t row = 0; row < losses.size(); ++row) {
      if (targets[row] < 0) continue;
      nats += static_cast<double>(losses[row]);
      ++result.tokens;
    }
    bits.Add(losses, targets);
    result.examples += part.sequences();
  }
  result.loss = result.tokens > 0 ? nats / static_cast<double>(result.tokens)
                                  : std::numeric_limits<double>::quiet_NaN();
  result.bits_per_byte = bits.value();
  return result;
}

// ---- batches -----------------------------------------------------------------------------------

// As many whole sequences as the programs' capacity holds.
Trainer::MicroBatch Trainer::NextMicroBatch(const data::Batch& batch,
                                            int64_t first_sequence) const {
  auto row_of = [&](int64_t s) { return int64_t{batch.sequence_offsets[static_cast<size_t>(s)]}; };
  MicroBatch part;
  part.first_sequence = part.end_sequence = first_sequence;
  part.first_row = row_of(first_sequence);
  while (part.end_sequence < batch.sequences && part.sequences() < capacity_.sequences) {
    const int64_t rows = row_of(part.end_sequence + 1) - part.first_row;
    if (rows > capacity_.rows) break;
    part.longest = std::max(part.longest, rows - part.rows);
    part.rows = rows;
    ++part.end_sequence;
  }
  return part;
}

absl::Status Trainer::Upload(const data::Batch& batch, const MicroBatch& part) {
  const size_t row = static_cast<size_t>(part.first_row);
  const int64_t bytes = part.rows * 4;
  SHOAL_RETURN_IF_ERROR(io_.Write(io_layout_.OffsetOf("tokens"), batch.tokens.data() + row, bytes));
  SHOAL_RETURN_IF_ERROR(
      io_.Write(io_layout_.OffsetOf("positions"), batch.positions.data() + row, bytes));
  SHOAL_RETURN_IF_ERROR(
      io_.Write(io_layout_.OffsetOf("targets"), batch.targets.data() + row, bytes));
  for (int64_t s = 0; s <= part.sequences(); ++s) {
    offsets_[static_cast<size_t>(s)] =
        batch.sequence_offsets[static_cast<size_t>(part.first_sequence + s)] -
        static_cast<int32_t>(part.first_row);
  }
  return io_.Write(io_layout_.OffsetOf("offsets"), offsets_.data(), (part.sequences() + 1) * 4);
}

shoal_scalars Trainer::ScalarsOf(const MicroBatch& part, Planned& planned) const {
  shoal_scalars scalars{};
  scalars.rows = part.rows;
  scalars.sequences = part.sequences();
  scalars.longest = part.longest;
  scalars.seed = options_.seed;
  scalars.step = static_cast<uint64_t>(step_);
  scalars.op_nanoseconds = planned.profile.counters();
  return scalars;
}

absl::StatusOr<float> Trainer::ReadScalar(std::string_view name) const {
  float value = 0;
  SHOAL_RETURN_IF_ERROR(io_.Read(io_layout_.OffsetOf(name), &value, sizeof(value)));
  return value;
}

// A row's attention costs in proportion to its sequence's length.
void Trainer::CountTotals() {
  double contexts = 0;
  for (size_t s = 0; s < static_cast<size_t>(batch_.sequences); ++s) {
    const double length = batch_.sequence_offsets[s + 1] - batch_.sequence_offsets[s];
    contexts += length * length;
  }
  totals_.rows += batch_.rows;
  totals_.loss_tokens += batch_.loss_tokens;
  totals_.flops +=
      flops_per_row_ * static_cast<double>(batch_.rows) + flops_per_context_ * contexts;
}

bool IsNotFinite(const absl::Status& status) {
  return status.GetPayload(AbslView(kNotFinite)).has_value();
}

}  // namespace shoal::engine
