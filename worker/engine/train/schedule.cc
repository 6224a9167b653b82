#include "worker/engine/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace shoal::engine {
namespace {

// The share of the way from final to peak rate, `t` in [0, 1) after the warm-up.
double ShareAt(const v1::ScheduleSpec& schedule, double t) {
  if (schedule.kind() == "linear") return 1 - t;
  if (schedule.kind() == "wsd") return std::min(1.0, (1 - t) / schedule.decay_fraction());
  return 0.5 * (1 + std::cos(std::numbers::pi * t));
}

}  // namespace

double LearningRate(const v1::TrainSpec& spec, int64_t step) {
  const double peak = spec.optimizer().lr(), final_lr = spec.schedule().final_lr();
  const int64_t warmup = spec.schedule().warmup_steps();
  if (step < warmup) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  }
  if (spec.schedule().kind() == "constant" || spec.steps() <= warmup) return peak;
  const double t = static_cast<double>(step - warmup) / static_cast<double>(spec.steps() - warmup);
  return final_lr + (peak - final_lr) * ShareAt(spec.schedule(), t);
}

}  // namespace shoal::engine
