// What a model is asked, and its answer to a packed batch: shared by training, evaluation, teaching
// and classification.
#ifndef SHOAL_WORKER_ENGINE_MODEL_TASK_H_
#define SHOAL_WORKER_ENGINE_MODEL_TASK_H_

#include "shoal/v1/model.pb.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/program/recorder.h"

namespace shoal::engine {

// By the model's head.
enum class Task {
  kNextToken,     // lm: every row has a target
  kMaskedTokens,  // mlm: R rows of a batch have
  kLabels,        // classifier: each sequence has, R = S
};
Task TaskOf(const v1::ModelSpec& model);

// One target for each answer: [N], or [R].
Shape TargetShape(const Recorder& r, Task task);

// Records the forward pass of a packed batch: logits of each target, [N or R, V or labels].
// Inputs that the host writes: tokens, positions, segments [N], offsets [S+1] and, where not every
// row has a target, rows [R] (of a classifier: Transformer::PooledRow of each sequence).
Tensor RecordLogits(Recorder& r, const Transformer& model, Dtype dtype);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_MODEL_TASK_H_
