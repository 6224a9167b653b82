#include "core/spec/run_schedule.h"

#include <algorithm>

namespace shoal::spec {

bool LogsAt(const v1::RunSpec& spec, int64_t step) {
  return step % spec.train().log_every() == 0 || step == spec.train().steps();
}

bool EvaluatesAt(const v1::RunSpec& spec, int64_t step) {
  return step % spec.evaluate().every() == 0 || step == spec.train().steps();
}

bool SavesAt(const v1::RunSpec& spec, int64_t step, int64_t saved) {
  if (step == spec.train().steps()) return true;
  return LogsAt(spec, step) && step - saved >= spec.checkpoint().every();
}

int64_t ExamplesAt(const v1::RunSpec& spec, int64_t step, int64_t held_out) {
  const int64_t limit = spec.evaluate().max_examples();
  if (limit == 0 || step == spec.train().steps()) return held_out;
  return std::min(limit, held_out);
}

RunEvents CountEvents(const v1::RunSpec& spec, int64_t held_out) {
  RunEvents events;
  const auto evaluate = [&](int64_t step) {
    ++events.evaluations;
    events.evaluated_examples += ExamplesAt(spec, step, held_out);
  };
  evaluate(0);
  int64_t saved = 0;
  for (int64_t step = 1; step <= spec.train().steps(); ++step) {
    if (EvaluatesAt(spec, step)) evaluate(step);
    if (!SavesAt(spec, step, saved)) continue;
    saved = step;
    ++events.checkpoints;
  }
  events.weights = 1;
  if (!spec.samples().prompts().empty()) events.sample_sets = events.evaluations;
  return events;
}

}  // namespace shoal::spec
