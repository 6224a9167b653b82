// Trains one decoder on one device.
//
//   SHOAL_ASSIGN_OR_RETURN(auto trainer, Trainer::Create(*device, options, train_shard, held_out_shard));
//   if (resume) SHOAL_RETURN_IF_ERROR(trainer->Restore(path));
//   while (trainer->step() < spec.train().steps()) {
//     SHOAL_ASSIGN_OR_RETURN(StepResult result, trainer->Step());
//     if (due) SHOAL_ASSIGN_OR_RETURN(EvaluateResult held_out, trainer->Evaluate(max_examples));
//   }
//
// Everything random is a function of (seed, step), and a batch of (seed, step) too, so the state of
// a run is its parameters, the optimizer's moments and the step: a trainer restored from a
// checkpoint continues bit for bit as the one that wrote it, within one numerics class.
#ifndef SHOAL_WORKER_ENGINE_TRAIN_TRAINER_H_
#define SHOAL_WORKER_ENGINE_TRAIN_TRAINER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/file.h"
#include "core/checkpoint/checkpoint.h"
#include "core/data/shard.h"
#include "shoal/v1/checkpoint.pb.h"
#include "shoal/v1/job.pb.h"
#include "shoal/v1/spec.pb.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/model/weights.h"

namespace shoal::engine {

struct TrainerOptions {
  v1::ModelSpec model;     // complete
  int64_t vocab_size = 0;  // rows of the token embedding: core/spec's ResolveVocabSize
  v1::TrainSpec train;  // complete; dtype is resolved: "f32" or "bf16"
  uint64_t seed = 42;
  std::string run_id;            // written to checkpoints
  std::string tokenizer_digest;  // written to checkpoints
  std::string request_digest;    // written to and compared with checkpoints; hex, may be empty
  v1::NumericsClass numerics;    // written to and compared with checkpoints
  // Rows of the largest micro-batch; a step of more is accumulated. Changes results, so it is part of
  // what a run is: leave it, except in tests. At least the longest example is always taken.
  int64_t micro_batch_rows = 8192;
  bool fuse = true;      // false: the plain list of operations, for tests
  bool profile = false;  // time every operation: see ProfileReport
};

struct StepResult {
  int64_t step = 0;         // the step that was trained, from 0
  double loss = 0;          // nats per counted token of this step, before its update
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping
  int64_t rows = 0;          // tokens the model saw
  int64_t loss_tokens = 0;   // targets counted in the loss
  int64_t epoch = 0;
};

struct EvaluateResult {
  double loss = 0;           // nats per counted token; NaN when there was none
  double bits_per_byte = 0;  // over counted targets that stand for text; see core/data/bits_per_byte.h
  int64_t tokens = 0;        // counted targets
  int64_t examples = 0;
};

// What has been done since step 0, whichever attempts did it.
struct Totals {
  int64_t rows = 0;         // tokens seen
  int64_t loss_tokens = 0;
  double flops = 0;         // forward and backward, by core/spec's formula
};

// Thread-compatible: one thread, the device's.
class Trainer {
 public:
  // Parameters are drawn from the seed. `held_out` may be absent.
  // Errors: InvalidArgument (a shard that does not fit the model: vocabulary or length),
  // ResourceExhausted (memory), Unimplemented (an operation that the backend lacks, by name).
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(Device& device, const TrainerOptions& options,
                                                         data::Shard train,
                                                         std::optional<data::Shard> held_out);
  virtual ~Trainer() = default;

  // One optimizer step. Errors: OutOfRange when the loss or the gradient is not finite (see
  // IsNotFinite): the parameters of a step with a non-finite loss are not updated; those of the backend.
  virtual absl::StatusOr<StepResult> Step() = 0;

  // Loss on the held-out shard without dropout, on its first `max_examples` examples (0: all).
  // Errors: FailedPrecondition without a held-out shard.
  virtual absl::StatusOr<EvaluateResult> Evaluate(int64_t max_examples) = 0;

  // Writes a checkpoint atomically (core/checkpoint). RESUMABLE: parameters and optimizer; WEIGHTS:
  // parameters only.
  virtual absl::StatusOr<checkpoint::WrittenFile> Save(FileSystem& files, v1::CheckpointKind kind,
                                                       const std::string& path) = 0;
  // Continues from a RESUMABLE checkpoint. Errors: FailedPrecondition (another request digest or
  // numerics class, saying which field), InvalidArgument (tensors of another shape), DataLoss.
  virtual absl::Status Restore(const std::string& path) = 0;

  // Steps trained so far = the number of the next step.
  virtual int64_t step() const = 0;
  virtual const Totals& totals() const = 0;
  virtual int64_t steps_per_epoch() const = 0;  // of the first epoch
  virtual int64_t parameters() const = 0;
  virtual int64_t memory_bytes() const = 0;  // device memory of weights, optimizer and arena

  // The live weights, to make a Generator for sample answers while training.
  virtual std::shared_ptr<Weights> weights() = 0;

  // The recorded programs and, with options.profile, time per operation since the start.
  virtual std::string Listing() const = 0;
  virtual std::string ProfileReport() const = 0;
};

// True for the status of a step whose loss or gradient became NaN or infinite: FailureClass NOT_FINITE.
bool IsNotFinite(const absl::Status& status);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_TRAINER_H_
