// When a run evaluates and saves: the rule that the runner follows and that estimates count by.
//
// Points of the training curve stand at multiples of train.log_every and at the last step;
// checkpoints are made at points only. Held-out data is looked at where the run begins, at
// multiples of evaluate.every, and at the end, samples being taken each time. Pure functions,
// thread-safe.
#pragma once

#include <cstdint>

#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

// After `step` steps. Requires a complete spec, as all of these do.
bool LogsAt(const v1::RunSpec& spec, int64_t step);
bool EvaluatesAt(const v1::RunSpec& spec, int64_t step);
// `saved`: the step of the last checkpoint, or where the run began.
bool SavesAt(const v1::RunSpec& spec, int64_t step, int64_t saved);

// How many held-out examples an evaluation after `step` steps sees, of `held_out`: at most
// evaluate.max_examples, but all of them at the last.
int64_t ExamplesAt(const v1::RunSpec& spec, int64_t step, int64_t held_out);

// What a run from step 0 to its end does besides its steps.
struct RunEvents {
  int64_t evaluations = 0;
  int64_t evaluated_examples = 0;  // in all evaluations together
  int64_t sample_sets = 0;         // every prompt answered once
  int64_t checkpoints = 0;         // resumable ones
  int64_t weights = 0;             // the weights alone, at the end
};
RunEvents CountEvents(const v1::RunSpec& spec, int64_t held_out);

}  // namespace shoal::spec
