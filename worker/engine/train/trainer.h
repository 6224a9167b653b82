// Trains one model on one device.
//
//   SHOAL_ASSIGN_OR_RETURN(auto trainer, Trainer::Create(*device, options, train_shard, held_out));
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
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/file.h"
#include "core/checkpoint/checkpoint.h"
#include "core/data/batcher.h"
#include "core/data/shard.h"
#include "shoal/v1/checkpoint.pb.h"
#include "shoal/v1/job.pb.h"
#include "shoal/v1/spec.pb.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/model/loaded_model.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/model/weights.h"
#include "worker/engine/program/planner.h"
#include "worker/engine/program/program.h"
#include "worker/engine/train/masking.h"
#include "worker/engine/train/profile.h"
#include "worker/engine/train/train_programs.h"

namespace shoal::engine {

struct TrainerOptions {
  v1::ModelSpec model;     // complete
  int64_t vocab_size = 0;  // rows of the token embedding: core/spec's ResolveVocabSize
  v1::TrainSpec train;     // complete; dtype is resolved: "f32" or "bf16"
  uint64_t seed = 42;
  std::string run_id;                 // written to checkpoints
  std::string tokenizer_digest;       // written to checkpoints
  std::string request_digest;         // written to and compared with checkpoints; hex, may be empty
  v1::NumericsClass numerics;         // written to and compared with checkpoints
  int32_t mask_token = -1;            // head mlm: the id of [MASK]
  std::vector<LoadedModel> teachers;  // of train.distill: as many as it names, same tokenizer
  bool fuse = true;                   // false: the plain list of operations, for tests
  bool profile = false;               // time every operation: see ProfileReport
};

struct StepResult {
  int64_t step = 0;  // the step that was trained, from 0
  double loss = 0;   // nats per counted token of this step, before its update
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping
  int64_t rows = 0;          // tokens the model saw
  int64_t loss_tokens = 0;   // targets counted in the loss
  int64_t epoch = 0;
};

// Of a held-out set.
struct EvaluateResult {
  double loss = 0;  // nats per counted token; NaN when there was none
  // Over counted targets that stand for text: core/data/tokenizer/bits_per_byte.h.
  double bits_per_byte = 0;
  double accuracy = 0;  // classifier: share of examples whose label is the likeliest; else NaN
  int64_t tokens = 0;   // counted targets
  int64_t examples = 0;
};

// What has been done since step 0, whichever attempts did it.
struct Totals {
  int64_t rows = 0;  // tokens seen
  int64_t loss_tokens = 0;
  double flops = 0;  // forward and backward, by core/spec's formula
};

// Thread-compatible: one thread, the device's. `device` must outlive the trainer and its weights.
class Trainer {
 public:
  // Parameters are drawn from the seed. `held_out` may be absent.
  // Errors: InvalidArgument (a shard that does not fit the model: vocabulary or length),
  // ResourceExhausted (memory), Unimplemented (an operation that the backend lacks, by name).
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(Device& device,
                                                         const TrainerOptions& options,
                                                         data::Shard train,
                                                         std::optional<data::Shard> held_out);

  // One optimizer step. Errors: OutOfRange when the loss or the gradient is not finite (see
  // IsNotFinite); a step with a non-finite loss leaves the parameters as they were. Those of the
  // backend.
  absl::StatusOr<StepResult> Step();

  // Loss on the held-out shard without dropout, on its first `max_examples` examples (0: all), by
  // the averaged parameters where train.ema_decay asks for them. Masked tokens are the same ones
  // every time.
  // Errors: FailedPrecondition without a held-out shard.
  absl::StatusOr<EvaluateResult> Evaluate(int64_t max_examples);

  // Writes a checkpoint atomically (core/checkpoint). RESUMABLE: parameters and optimizer; WEIGHTS:
  // parameters only.
  absl::StatusOr<checkpoint::WrittenFile> Save(FileSystem& files, v1::CheckpointKind kind,
                                               const std::string& path);
  // Continues from a RESUMABLE checkpoint of this run. Errors: FailedPrecondition (another kind,
  // request digest or numerics class, saying which field; tensors of another shape), NotFound,
  // DataLoss.
  absl::Status Restore(const std::string& path);
  // Goes on where another run's RESUMABLE checkpoint stands: its parameters, optimizer and step,
  // with this trainer's data order, schedule and numerics class. Errors: FailedPrecondition
  // (another kind or tokenizer; a step that is not before this run's last; tensors of another
  // shape), NotFound, DataLoss.
  absl::Status StartFrom(const std::string& path);

  // Steps trained so far = the number of the next step.
  int64_t step() const { return step_; }
  const Totals& totals() const { return totals_; }
  int64_t steps_per_epoch() { return batcher_.StepsInEpoch(0); }
  int64_t parameters() const { return weights_->layout().count(); }
  int64_t memory_bytes() const;  // of weights, gradients, optimizer, arena and batches

  // The weights to answer with: the live ones, or their moving average.
  std::shared_ptr<Weights> weights() { return average_ != nullptr ? average_ : weights_; }
  // Of a classifier: the names of its classes.
  const std::vector<std::string>& labels() const { return labels_; }

  // The recorded programs and, with options.profile, time per operation since the start.
  std::string Listing() const;
  std::string ProfileReport(const Roofline& roofline = {}) const;

 private:
  absl::Status Load(checkpoint::CheckpointReader& reader);

  struct EvaluateSums;
  // A planned program with its listing and its times.
  struct Planned {
    Program program;
    Plan plan;
    Profile profile;
  };
  // Whole sequences [first, end) of a batch that run together.
  struct MicroBatch {
    int64_t first_sequence = 0, end_sequence = 0;
    int64_t first_row = 0, rows = 0, longest = 0;
    int64_t targets = 0;  // R: rows or sequences that have one
    int64_t sequences() const { return end_sequence - first_sequence; }
  };

  Trainer(Device& device, const TrainerOptions& options, std::vector<std::string> labels,
          data::Batcher batcher);
  absl::Status Prepare(const data::Shard& train, std::optional<data::Shard> held_out);
  absl::Status PrepareTeachers();
  absl::Status RecordPrograms();
  absl::Status AllocateBuffers();
  absl::Status MakePlanOf(Planned& planned, const Weights& weights);

  void FillTraining(int64_t step);
  void FillHeldOut(int64_t index);
  MicroBatch NextMicroBatch(const data::Batch& batch, int64_t first_sequence) const;
  absl::Status Upload(const data::Batch& batch, const MicroBatch& part);
  absl::Status WriteInts(std::string_view name, const int32_t* values, int64_t count);
  shoal_scalars ScalarsOf(const MicroBatch& part, Planned& planned) const;
  static absl::Status Run(Planned& planned, const shoal_scalars& scalars);
  absl::Status AddLosses(const MicroBatch& part, EvaluateSums& sums);
  absl::StatusOr<double> Accumulate();
  absl::StatusOr<double> Update(double learning_rate);
  absl::StatusOr<float> ReadScalar(std::string_view name) const;
  void CountTotals();
  double AttentionFlops(int64_t length);

  // Constant after construction.
  Device& device_;
  TrainerOptions options_;
  std::vector<std::string> labels_;
  Transformer model_;
  Task task_;
  Dtype act_;
  std::optional<Masking> masking_;
  Capacity capacity_;
  IoLayout io_layout_;
  double flops_per_row_ = 0;             // the blocks' matrices
  double flops_per_target_ = 0;          // the head
  std::vector<double> attention_flops_;  // of a row, by its sequence's length; -1: not known yet

  // Device memory.
  std::shared_ptr<Weights> weights_;  // shared with generators made for samples
  std::shared_ptr<Weights> average_;  // of the parameters; null without train.ema_decay
  Buffer gradients_, moment1_, moment2_, arena_, io_;
  Planned accumulate_, update_, evaluate_;
  std::vector<Planned> teach_;  // one for each teacher

  // Batches, in buffers that are reused.
  data::Batcher batcher_;
  data::Batch batch_;
  std::optional<data::Shard> held_out_;
  std::optional<data::Batcher> held_out_batcher_;
  data::Batch held_out_batch_;
  std::vector<int32_t> offsets_;
  std::vector<int32_t> rows_, targets_;  // [R] of the micro-batch at hand
  std::vector<float> losses_, label_logits_;
  std::vector<uint64_t> mask_keys_;

  int64_t step_ = 0;
  Totals totals_;
};

// True for the status of a step whose loss or gradient became NaN or infinite: the failure class
// NOT_FINITE.
bool IsNotFinite(const absl::Status& status);

// The element type that a resolved dtype names. Errors: InvalidArgument ("auto" is not resolved).
absl::StatusOr<Dtype> ParseDtype(std::string_view name);

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_TRAINER_H_
