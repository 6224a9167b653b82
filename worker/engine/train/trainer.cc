#include "worker/engine/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/model_counts.h"
#include "worker/engine/train/schedule.h"

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

  FillTraining(step_);
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
    for (Planned& teacher : teach_) {
      SHOAL_RETURN_IF_ERROR(Run(teacher, ScalarsOf(part, teacher)));
    }
    shoal_scalars scalars = ScalarsOf(part, accumulate_);
    scalars.training = 1;
    scalars.accumulate = index > 0 ? 1 : 0;
    scalars.seed = DropoutSeed(options_.seed, index);
    scalars.loss_scale =
        static_cast<float>(1.0 / static_cast<double>(std::max<int64_t>(batch_.loss_tokens, 1)));
    SHOAL_RETURN_IF_ERROR(Run(accumulate_, scalars));
    SHOAL_ASSIGN_OR_RETURN(const float total, ReadScalar("total"));
    nats += static_cast<double>(total);
    sequence = part.end_sequence;
  }
  return nats;
}

absl::StatusOr<double> Trainer::Update(double learning_rate) {
  shoal_scalars scalars = ScalarsOf(MicroBatch{}, update_);
  scalars.lr = static_cast<float>(learning_rate);
  SHOAL_RETURN_IF_ERROR(Run(update_, scalars));
  SHOAL_ASSIGN_OR_RETURN(const float norm, ReadScalar("norm"));
  return static_cast<double>(norm);
}

// A row's attention costs what its sequence's length asks for; the head what has a target.
void Trainer::CountTotals() {
  double attention = 0;
  for (size_t s = 0; s < static_cast<size_t>(batch_.sequences); ++s) {
    const int64_t length = batch_.sequence_offsets[s + 1] - batch_.sequence_offsets[s];
    attention += static_cast<double>(length) * AttentionFlops(length);
  }
  const int64_t answered = task_ == Task::kNextToken ? batch_.rows : batch_.loss_tokens;
  totals_.rows += batch_.rows;
  totals_.loss_tokens += batch_.loss_tokens;
  totals_.flops += flops_per_row_ * static_cast<double>(batch_.rows) +
                   flops_per_target_ * static_cast<double>(answered) + attention;
}

// Of one row in a sequence of that length.
double Trainer::AttentionFlops(int64_t length) {
  const auto at = static_cast<size_t>(length);
  if (at >= attention_flops_.size()) attention_flops_.resize(at + 1, -1);
  double& flops = attention_flops_[at];
  if (flops < 0) {
    flops = spec::FlopsPerToken(options_.model, options_.vocab_size, static_cast<double>(length))
                .attention;
  }
  return flops;
}

bool IsNotFinite(const absl::Status& status) {
  return status.GetPayload(AbslView(kNotFinite)).has_value();
}

}  // namespace shoal::engine
