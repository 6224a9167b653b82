// The learning rate as a pure function of the step: nothing to save, nothing to drift.
//
// Step s (from 0) of `warmup` steps runs at peak * (s + 1) / warmup. Afterwards, with
// t = (s - warmup) / (steps - warmup) in [0, 1): constant stays at the peak; linear and cosine go
// from the peak to final_lr, which they would reach at step `steps`, just past the last one; wsd
// (warm-up, stable, decay) stays at the peak until the last decay_fraction of t, and is linear
// there.
#ifndef SHOAL_WORKER_ENGINE_TRAIN_SCHEDULE_H_
#define SHOAL_WORKER_ENGINE_TRAIN_SCHEDULE_H_

#include <cstdint>

#include "shoal/v1/spec.pb.h"

namespace shoal::engine {

// Requires a complete spec and 0 <= step < spec.steps().
double LearningRate(const v1::TrainSpec& spec, int64_t step);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_SCHEDULE_H_
