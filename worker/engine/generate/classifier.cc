#include "worker/engine/generate/classifier.h"

#include <numeric>
#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "worker/engine/model/task.h"
#include "worker/engine/program/passes.h"
#include "worker/engine/program/planner.h"

namespace shoal::engine {

absl::StatusOr<std::unique_ptr<Classifier>> Classifier::Create(Device& device, LoadedModel model) {
  if (TaskOf(model.spec) != Task::kLabels) {
    return absl::FailedPreconditionError(
        StrCat("a model with head ", model.spec.head(), " does not classify"));
  }
  std::unique_ptr<Classifier> classifier(new Classifier(device, std::move(model)));
  SHOAL_RETURN_IF_ERROR(classifier->Prepare());
  return classifier;
}

absl::Status Classifier::Prepare() {
  const int64_t positions = transformer_.positions();
  positions_.resize(static_cast<size_t>(positions));
  std::iota(positions_.begin(), positions_.end(), 0);
  logits_.resize(model_.labels.size());
  Recorder r("classify", model_.weights->act(), {.rows = positions}, model_.weights->layout(),
             io_layout_);
  r.Return(RecordLogits(r, transformer_, r.stat()), "label_logits");
  Program program = r.Take();
  Fuse(program);
  DropUnreadOutputs(program);
  PlaceInArena(program);
  SHOAL_ASSIGN_OR_RETURN(arena_, device_.Allocate(program.arena_bytes));
  SHOAL_ASSIGN_OR_RETURN(io_, device_.Allocate(io_layout_.size_bytes()));
  Buffers buffers{};
  buffers[static_cast<size_t>(Region::kArena)] = &arena_;
  buffers[static_cast<size_t>(Region::kIo)] = &io_;
  buffers[static_cast<size_t>(Region::kMaster)] = &model_.weights->master();
  buffers[static_cast<size_t>(Region::kCopy)] = &model_.weights->copy();
  SHOAL_ASSIGN_OR_RETURN(plan_, MakePlan(device_, program, buffers));
  return io_.Write(io_layout_.OffsetOf("positions"), positions_.data(), positions * 4);
}

absl::StatusOr<std::span<const float>> Classifier::Logits(std::span<const int32_t> tokens) {
  const auto count = static_cast<int64_t>(tokens.size());
  if (count < 1 || count > transformer_.positions()) {
    return absl::InvalidArgumentError(
        StrCat("a text of ", count, " tokens; the model takes 1 to ", transformer_.positions()));
  }
  for (const int32_t token : tokens) {
    if (token >= 0 && token < model_.vocab_size) continue;
    return absl::InvalidArgumentError(
        StrCat("token ", token, " is outside the vocabulary of ", model_.vocab_size));
  }
  const int32_t offsets[2] = {0, static_cast<int32_t>(count)};
  const auto row = static_cast<int32_t>(transformer_.PooledRow(0, count));
  SHOAL_RETURN_IF_ERROR(io_.Write(io_layout_.OffsetOf("tokens"), tokens.data(), count * 4));
  SHOAL_RETURN_IF_ERROR(io_.Write(io_layout_.OffsetOf("offsets"), offsets, sizeof(offsets)));
  SHOAL_RETURN_IF_ERROR(io_.Write(io_layout_.OffsetOf("rows"), &row, sizeof(row)));
  shoal_scalars scalars{};
  scalars.rows = scalars.longest = count;
  scalars.sequences = scalars.selected = 1;
  SHOAL_RETURN_IF_ERROR(plan_.Run(scalars));
  SHOAL_RETURN_IF_ERROR(io_.Read(io_layout_.OffsetOf("label_logits"), logits_.data(),
                                 static_cast<int64_t>(logits_.size()) * 4));
  return std::span<const float>(logits_);
}

}  // namespace shoal::engine
