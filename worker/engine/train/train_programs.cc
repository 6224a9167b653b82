#include "worker/engine/train/train_programs.h"

#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "worker/engine/program/backward.h"
#include "worker/engine/program/passes.h"
#include "worker/engine/program/planner.h"

namespace shoal::engine {
namespace {

Tensor Targets(Recorder& r, Task task) {
  return r.Io("targets", Dtype::kI32, TargetShape(r, task));
}

// The teachers' probabilities for each target.
Tensor Probabilities(Recorder& r, const Transformer& model) {
  const Task task = TaskOf(model.spec());
  Shape shape = TargetShape(r, task);
  shape.rank = 2;
  shape.dims[1] = task == Task::kLabels ? model.labels() : model.vocab_size();
  return r.Io("teacher_probabilities", r.stat(), shape);
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

absl::StatusOr<Program> RecordAccumulate(const Recording& recording, const v1::TrainSpec& train) {
  Recorder r = MakeRecorder(recording, "accumulate");
  const Tensor logits = RecordLogits(r, recording.model, r.act());
  const Tensor targets = Targets(r, TaskOf(recording.model.spec()));
  Tensor loss;
  if (train.distill().teachers().empty()) {
    loss = r.CrossEntropy(logits, targets, train.label_smoothing());
  } else {
    loss = r.DistillationLoss(logits, targets, Probabilities(r, recording.model),
                              {train.distill().temperature(), train.distill().weight()},
                              train.label_smoothing());
  }
  r.Sum(loss, "total");
  SHOAL_RETURN_IF_ERROR(AppendBackward(r.program(), recording.layout));
  return Finish(r, recording.fuse);
}

Program RecordEvaluate(const Recording& recording) {
  Recorder r = MakeRecorder(recording, "evaluate");
  const Task task = TaskOf(recording.model.spec());
  const Tensor logits =
      RecordLogits(r, recording.model, task == Task::kLabels ? r.stat() : r.act());
  if (task == Task::kLabels) r.Return(logits, "label_logits");
  r.CrossEntropy(logits, Targets(r, task), /*label_smoothing=*/0);
  return Finish(r, recording.fuse);
}

Program RecordTeach(const Recording& recording, const v1::DistillSpec& distill, int index,
                    int count) {
  Recorder r = MakeRecorder(recording, StrCat("teach.", index));
  const Tensor logits = RecordLogits(r, recording.model, r.stat());
  const Tensor probabilities = Probabilities(r, recording.model);
  const double share = 1.0 / count, temperature = distill.temperature();
  if (distill.combine() == "logits") {
    r.AddScaled(logits, share, probabilities, index == 0);
    if (index + 1 == count) r.AddSoftmax(probabilities, temperature, 1, probabilities, true);
  } else {
    r.AddSoftmax(logits, temperature, share, probabilities, index == 0);
  }
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
  if (recording.layout.muon().elements > 0) {
    r.Muon(norm, {.momentum = optimizer.muon_momentum(),
                  .weight_decay = optimizer.weight_decay(),
                  .clip_norm = train.clip_norm(),
                  .lr_multiplier = optimizer.muon_lr() / optimizer.lr(),
                  .iterations = optimizer.muon_iterations()});
  }
  if (train.ema_decay() > 0) r.MovingAverage(train.ema_decay());
  return Finish(r, recording.fuse);
}

}  // namespace shoal::engine
