// The three programs of training, as recorded: what one optimizer step is made of.
//
//   accumulate  forward and backward of one micro-batch; adds to the gradients
//   update      the norm of all gradients, clipping, AdamW, and the bf16 copies
//   evaluate    forward only; the loss of every row
//
// Inputs that the host writes: tokens, positions, targets [N], offsets [S+1]. Results it reads:
// loss [N], total [1] (accumulate) and norm [1] (update).
#ifndef SHOAL_WORKER_ENGINE_TRAIN_TRAIN_PROGRAMS_H_
#define SHOAL_WORKER_ENGINE_TRAIN_TRAIN_PROGRAMS_H_

#include "absl/status/statusor.h"
#include "shoal/v1/spec.pb.h"
#include "worker/engine/model/decoder.h"
#include "worker/engine/program/parameters.h"
#include "worker/engine/program/program.h"
#include "worker/engine/program/recorder.h"

namespace shoal::engine {

// What is common to the programs of one trainer; all must outlive the recording only.
struct Recording {
  const Decoder& decoder;
  const ParameterLayout& layout;
  IoLayout& io;
  Dtype act = Dtype::kF32;
  Capacity capacity;
  bool fuse = true;
};

absl::StatusOr<Program> RecordAccumulate(const Recording& recording);
Program RecordEvaluate(const Recording& recording);
Program RecordUpdate(const Recording& recording, const v1::TrainSpec& train);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_TRAIN_PROGRAMS_H_
