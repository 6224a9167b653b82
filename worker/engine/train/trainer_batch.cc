// From a batch to what the programs read: targets drawn, micro-batches cut, inputs written.
#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "worker/engine/train/trainer.h"

namespace shoal::engine {
namespace {

// Held-out tokens are masked alike in every evaluation of every run.
constexpr uint64_t kHeldOutMaskSeed = 1;
constexpr uint64_t kMaxSequences = uint64_t{1} << 24;  // of a batch

}  // namespace

void Trainer::FillTraining(int64_t step) {
  batcher_.Fill(step, batch_);
  if (task_ == Task::kLabels) batch_.loss_tokens = batch_.sequences;
  if (task_ != Task::kMaskedTokens) return;
  mask_keys_.resize(static_cast<size_t>(batch_.sequences));
  for (size_t s = 0; s < mask_keys_.size(); ++s) {
    mask_keys_[s] = static_cast<uint64_t>(step) * kMaxSequences + s;
  }
  masking_->Apply(options_.seed, mask_keys_, batch_);
}

void Trainer::FillHeldOut(int64_t index) {
  held_out_batcher_->Fill(index, held_out_batch_);
  if (task_ != Task::kMaskedTokens) return;
  mask_keys_.assign(held_out_batch_.examples.begin(), held_out_batch_.examples.end());
  masking_->Apply(kHeldOutMaskSeed, mask_keys_, held_out_batch_);
}

// As many whole sequences as the programs' capacity holds.
Trainer::MicroBatch Trainer::NextMicroBatch(const data::Batch& batch,
                                            int64_t first_sequence) const {
  const auto row_of = [&](int64_t s) {
    return int64_t{batch.sequence_offsets[static_cast<size_t>(s)]};
  };
  const auto targets_of = [&](int64_t s) -> int64_t {
    if (task_ != Task::kMaskedTokens) return 1;
    const auto begin = batch.targets.begin() + row_of(s),
               end = batch.targets.begin() + row_of(s + 1);
    return std::count_if(begin, end, [](int32_t target) { return target >= 0; });
  };
  MicroBatch part;
  part.first_sequence = part.end_sequence = first_sequence;
  part.first_row = row_of(first_sequence);
  while (part.end_sequence < batch.sequences && part.sequences() < capacity_.sequences) {
    const int64_t rows = row_of(part.end_sequence + 1) - part.first_row;
    const int64_t targets = part.targets + targets_of(part.end_sequence);
    if (rows > capacity_.rows || targets > capacity_.selected) break;
    part.longest = std::max(part.longest, rows - part.rows);
    part.rows = rows;
    part.targets = targets;
    ++part.end_sequence;
  }
  return part;
}

absl::Status Trainer::WriteInts(std::string_view name, const int32_t* values, int64_t count) {
  return io_.Write(io_layout_.OffsetOf(name), values, count * 4);
}

absl::Status Trainer::Upload(const data::Batch& batch, const MicroBatch& part) {
  const auto row = static_cast<size_t>(part.first_row);
  SHOAL_RETURN_IF_ERROR(WriteInts("tokens", batch.tokens.data() + row, part.rows));
  SHOAL_RETURN_IF_ERROR(WriteInts("positions", batch.positions.data() + row, part.rows));
  for (int64_t s = 0; s <= part.sequences(); ++s) {
    offsets_[static_cast<size_t>(s)] =
        batch.sequence_offsets[static_cast<size_t>(part.first_sequence + s)] -
        static_cast<int32_t>(part.first_row);
  }
  SHOAL_RETURN_IF_ERROR(WriteInts("offsets", offsets_.data(), part.sequences() + 1));
  if (task_ == Task::kNextToken) {
    return WriteInts("targets", batch.targets.data() + row, part.rows);
  }
  rows_.clear();
  targets_.clear();
  if (task_ == Task::kLabels) {
    for (int64_t s = 0; s < part.sequences(); ++s) {
      const auto i = static_cast<size_t>(s);
      rows_.push_back(static_cast<int32_t>(model_.PooledRow(offsets_[i], offsets_[i + 1])));
      targets_.push_back(batch.labels[static_cast<size_t>(part.first_sequence) + i]);
    }
  } else {
    for (int64_t i = 0; i < part.rows; ++i) {
      const int32_t target = batch.targets[row + static_cast<size_t>(i)];
      if (target < 0) continue;
      rows_.push_back(static_cast<int32_t>(i));
      targets_.push_back(target);
    }
  }
  SHOAL_RETURN_IF_ERROR(WriteInts("rows", rows_.data(), static_cast<int64_t>(rows_.size())));
  return WriteInts("targets", targets_.data(), static_cast<int64_t>(targets_.size()));
}

shoal_scalars Trainer::ScalarsOf(const MicroBatch& part, Planned& planned) const {
  shoal_scalars scalars{};
  scalars.rows = part.rows;
  scalars.sequences = part.sequences();
  scalars.longest = part.longest;
  scalars.selected = task_ == Task::kNextToken ? 0 : part.targets;
  scalars.seed = options_.seed;
  scalars.step = static_cast<uint64_t>(step_);
  scalars.op_nanoseconds = planned.profile.counters();
  return scalars;
}

absl::Status Trainer::Run(Planned& planned, const shoal_scalars& scalars) {
  planned.profile.Count(scalars);
  return planned.plan.Run(scalars);
}

absl::StatusOr<float> Trainer::ReadScalar(std::string_view name) const {
  float value = 0;
  SHOAL_RETURN_IF_ERROR(io_.Read(io_layout_.OffsetOf(name), &value, sizeof(value)));
  return value;
}

}  // namespace shoal::engine
