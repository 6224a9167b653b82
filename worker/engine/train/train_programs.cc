#include "worker/engine/train/train_programs.h"

#include <utility>

#include "core/base/status.h"
#include "worker/engine/program/backward.h"
#include "worker/engine/program/passes.h"
#include "worker/engine/program/planner.h"

namespace shoal::engine {
namespace {

// The model's loss on a packed batch, one value per row.
Tensor RecordLoss(Recorder& r, const Recording& recording) {
  const Capacity& capacity = r.capacity();
  const Shape row = Shape::Column(Extent::kRows, capacity.rows);
  const Tensor tokens = r.Io("tokens", Dtype::kI32, row);
  const Tensor positions = r.Io("positions", Dtype::kI32, row);
  const Tensor targets = r.Io("targets", Dtype::kI32, row);
  AttentionContext context;
  context.offsets =
      r.Io("offsets", Dtype::kI32, Shape::Column(Extent::kSequencesPlus1, capacity.sequences + 1));

  const Tensor hidden = recording.decoder.Hidden(r, tokens, positions, context);
  const Tensor logits = recording.decoder.Logits(r, hidden, r.act());
  return r.CrossEntropy(logits, targets);
}

Program Finish(Recorder& r, bool fuse) {
  Program program = r.Take();
  if (fuse) Fuse(program);
  DropUnreadOutputs(program);
  PlaceInArena(program);
  return program;
}

Recorder MakeRecorder(const Recording& recording, std::string name) {
  return Recorder(std::move(name), recording.act, recording.capacity, recording.layout,
                  recording.io);
}

}  // namespace

absl::StatusOr<Program> RecordAccumulate(const Recording& recording) {
  Recorder r = MakeRecorder(recording, "accumulate");
  const Tensor loss = RecordLoss(r, recording);
  r.Sum(loss, "total");
  SHOAL_RETURN_IF_ERROR(AppendBackward(r.program(), recording.layout));
  return Finish(r, recording.fuse);
}

Program RecordEvaluate(const Recording& recording) {
  Recorder r = MakeRecorder(recording, "evaluate");
  RecordLoss(r, recording);
  return Finish(r, recording.fuse);
}

Program RecordUpdate(const Recording& recording, const v1::TrainSpec& train) {
  const v1::OptimizerSpec& optimizer = train.optimizer();
  AdamWSettings settings = {optimizer.beta1(), optimizer.beta2(), optimizer.eps(),
                            optimizer.weight_decay(), train.clip_norm()};
  Recorder r = MakeRecorder(recording, "update");
  const Tensor norm = r.GlobalNorm("norm");
  r.AdamW(recording.layout.decay(), norm, settings, "adamw.decay");
  settings.weight_decay = 0;
  r.AdamW(recording.layout.no_decay(), norm, settings, "adamw.no_decay");
  return Finish(r, recording.fuse);
}

}  // namespace shoal::engine
