// The held-out loss, and what else says how good a model is.
#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/status.h"
#include "core/data/tokenizer/bits_per_byte.h"
#include "worker/engine/train/trainer.h"

namespace shoal::engine {

struct Trainer::EvaluateSums {
  explicit EvaluateSums(const data::Shard& shard) : bits(shard.TokenByteCounts()) {}

  double nats = 0;
  int64_t targets = 0;
  int64_t correct = 0;  // labels
  data::BitsPerByte bits;
};

absl::StatusOr<EvaluateResult> Trainer::Evaluate(int64_t max_examples) {
  if (!held_out_batcher_.has_value()) {
    return absl::FailedPreconditionError("there is no held-out data to evaluate on");
  }
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const int64_t wanted = max_examples > 0 ? std::min(max_examples, held_out_batcher_->examples())
                                          : held_out_batcher_->examples();
  EvaluateSums sums(*held_out_);
  EvaluateResult result;
  for (int64_t i = 0; result.examples < wanted; ++i) {
    FillHeldOut(i);
    held_out_batch_.sequences = std::min(held_out_batch_.sequences, wanted - result.examples);
    for (int64_t sequence = 0; sequence < held_out_batch_.sequences;) {
      const MicroBatch part = NextMicroBatch(held_out_batch_, sequence);
      SHOAL_RETURN_IF_ERROR(Upload(held_out_batch_, part));
      SHOAL_RETURN_IF_ERROR(Run(evaluate_, ScalarsOf(part, evaluate_)));
      SHOAL_RETURN_IF_ERROR(AddLosses(part, sums));
      sequence = part.end_sequence;
    }
    result.examples += held_out_batch_.sequences;
  }
  const auto targets = static_cast<double>(sums.targets);
  result.tokens = sums.targets;
  result.loss = sums.targets > 0 ? sums.nats / targets : kNaN;
  result.bits_per_byte = task_ == Task::kNextToken ? sums.bits.value() : kNaN;
  result.accuracy = task_ == Task::kLabels && sums.targets > 0
                        ? static_cast<double>(sums.correct) / targets
                        : kNaN;
  return result;
}

absl::Status Trainer::AddLosses(const MicroBatch& part, EvaluateSums& sums) {
  const bool every_row = task_ == Task::kNextToken;
  const auto count = static_cast<size_t>(every_row ? part.rows : part.targets);
  const std::span<float> losses(losses_.data(), count);
  SHOAL_RETURN_IF_ERROR(
      io_.Read(io_layout_.OffsetOf("loss"), losses.data(), static_cast<int64_t>(count) * 4));
  const int32_t* targets =
      every_row ? held_out_batch_.targets.data() + part.first_row : targets_.data();
  for (size_t i = 0; i < count; ++i) {
    if (targets[i] < 0) continue;
    sums.nats += static_cast<double>(losses[i]);
    ++sums.targets;
  }
  if (every_row) sums.bits.Add(losses, std::span(targets, count));
  if (task_ != Task::kLabels) return absl::OkStatus();
  const auto labels = static_cast<size_t>(model_.labels());
  label_logits_.resize(count * labels);
  SHOAL_RETURN_IF_ERROR(io_.Read(io_layout_.OffsetOf("label_logits"), label_logits_.data(),
                                 static_cast<int64_t>(label_logits_.size()) * 4));
  for (size_t i = 0; i < count; ++i) {
    const auto row = label_logits_.begin() + static_cast<ptrdiff_t>(i * labels);
    const auto best = std::max_element(row, row + static_cast<ptrdiff_t>(labels)) - row;
    sums.correct += best == targets[i] ? 1 : 0;
  }
  return absl::OkStatus();
}

}  // namespace shoal::engine
