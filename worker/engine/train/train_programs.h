// The programs of training, as recorded: what one optimizer step is made of.
//
//   accumulate  forward and backward of one micro-batch; adds to the gradients
//   update      the norm of all gradients, clipping, the optimizer, and the bf16 copies
//   evaluate    forward only; the loss of every target
//   teach       forward of one teacher; its share of the teachers' probabilities
//
// Inputs that the host writes: tokens, positions, segments [N], offsets [S+1], targets, and, where
// not every row has a target, rows [R]: what is asked of the model decides (Task). Results it
// reads: loss [N or R], total [1] (accumulate), norm [1] (update), label_logits (evaluate, labels).
#ifndef SHOAL_WORKER_ENGINE_TRAIN_TRAIN_PROGRAMS_H_
#define SHOAL_WORKER_ENGINE_TRAIN_TRAIN_PROGRAMS_H_

#include "absl/status/statusor.h"
#include "shoal/v1/spec.pb.h"
#include "worker/engine/model/task.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/program/parameters.h"
#include "worker/engine/program/program.h"
#include "worker/engine/program/recorder.h"

namespace shoal::engine {

// What is common to the programs of one trainer; all must outlive the recording only.
struct Recording {
  const Transformer& model;
  const ParameterLayout& layout;
  IoLayout& io;
  Dtype act = Dtype::kF32;
  Capacity capacity;
  bool fuse = true;
};

// Errors: Unimplemented (no gradient rule), naming the operation.
absl::StatusOr<Program> RecordAccumulate(const Recording& recording, const v1::TrainSpec& train);
Program RecordEvaluate(const Recording& recording);
Program RecordUpdate(const Recording& recording, const v1::TrainSpec& train);
// Teacher `index` of `count`. The last one leaves the probabilities ready for the student.
Program RecordTeach(const Recording& recording, const v1::DistillSpec& distill, int index,
                    int count);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_TRAIN_PROGRAMS_H_
