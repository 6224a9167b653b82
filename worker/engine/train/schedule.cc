#include "worker/engine/train/schedule.h"

#include <cmath>
#include <numbers>

namespace shoal::engine {

double LearningRate(const v1::TrainSpec& spec, int64_t step) {
  const double peak = spec.optimizer().lr(), final_lr = spec.schedule().final_lr();
  const int64_t warmup = spec.schedule().warmup_steps();
  if (step < warmup) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  }
  if (spec.schedule().kind() == "constant" || spec.steps() <= warmup) return peak;
  const double t = static_cast<double>(step - warmup) / static_cast<double>(spec.steps() - warmup);
  const double share =
      spec.schedule().kind() == "linear" ? 1 - t : 0.5 * (1 + std::cos(std::numbers::pi * t));
  return final_lr + (peak - final_lr) * share;
}

}  // namespace shoal::engine
