// What training needs before its first step: data, device, trainer. Shared by the job and by its
// measurement.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "shoal/v1/runner.pb.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/generate/generator.h"
#include "worker/engine/train/trainer.h"
#include "worker/runner/job_io.h"
#include "worker/runner/shard_cache.h"

namespace shoal::runner {

// Members are destroyed from the last to the first: the device outlives what runs on it.
struct TrainSetup {
  PreparedText text;
  v1::NumericsClass numerics;
  std::unique_ptr<engine::Device> device;
  std::unique_ptr<engine::Trainer> trainer;
  std::unique_ptr<engine::Generator> generator;  // for samples; null when the spec has no prompts
};

// Errors: those of the data, the backend and the trainer.
absl::StatusOr<TrainSetup> SetUpTraining(const v1::AttemptOrder& order, Reporter& reporter,
                                         const Clock& clock);

// The order's numerics class, or, where it has none (an order run by hand), what this machine
// resolves it to.
absl::StatusOr<v1::NumericsClass> NumericsOf(const v1::AttemptOrder& order);

}  // namespace shoal::runner
