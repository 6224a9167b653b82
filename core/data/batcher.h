// Packs examples of a shard into batches without padding.
//
// The order of an epoch is a Philox shuffle keyed by (seed, epoch); consecutive examples of that
// order form the batches, and the last batch of an epoch may be smaller. So every example occurs
// exactly once an epoch, and batch `step` is a pure function of (shard, options, step): training
// resumes from the step number alone.
//
// An example of n tokens gives n-1 rows: inputs are tokens 0..n-2, targets tokens 1..n-1.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/shard.h"

namespace shoal::data {

enum class BatchUnit { kExamples, kTokens };
enum class LossOn { kAll, kResponse };

struct BatcherOptions {
  BatchUnit unit = BatchUnit::kExamples;
  int64_t size = 32;  // examples a batch, or rows a batch at most
  LossOn loss_on = LossOn::kAll;
  uint64_t seed = 1;
  // Whole sequences: all n tokens of an example are rows, nothing is a target yet (-1), and labels
  // come along. Otherwise next-token prediction.
  bool whole = false;
  bool shuffle = true;  // false: the order of the shard in every epoch, for held-out evaluation
};

// One packed batch, in buffers that the caller owns and reuses.
struct Batch {
  std::vector<int32_t> tokens;            // [N] inputs
  std::vector<int32_t> targets;           // [N] next token; -1 is not counted in the loss
  std::vector<int32_t> positions;         // [N] 0, 1, ... within each sequence
  std::vector<int32_t> sequence_offsets;  // [S+1] first row of each sequence; the last entry is N
  std::vector<int32_t> labels;            // [S] of a labelled set read whole; else empty
  std::vector<uint32_t> examples;         // [S] which example of the shard each sequence is
  int64_t rows = 0;                       // N
  int64_t sequences = 0;                  // S
  int64_t loss_tokens = 0;                // targets != -1
  int64_t epoch = 0;
};

struct BatchCapacity {
  int64_t rows = 0;  // no batch of any epoch has more
  int64_t sequences = 0;
  int64_t likely_rows = 0;  // more come up once in many runs, if at all: see LikelyRows
};

// Rows of `examples` examples drawn at random, of `mean` rows each with that variance: six standard
// deviations above what is expected, as a multiple of 16. Who has memory for these and works
// through larger batches in parts needs half of what the longest examples, all at once, would take.
int64_t LikelyRows(double mean, double variance, int64_t examples);

// Thread-compatible: keeps the plan of the epoch it is in. Going to another epoch rebuilds the plan
// (about 1 ms per 100,000 examples); asking for steps in any order gives the same batches.
class Batcher {
 public:
  // With loss_on kResponse, examples that have no response target are left out of every epoch.
  // Errors: InvalidArgument (size < 1; a token batch smaller than the longest example; loss on
  // responses where the shard has none; more than 2^31 examples).
  static absl::StatusOr<Batcher> Create(Shard shard, const BatcherOptions& options);

  // Buffers with room for the largest batch: Fill never allocates in them.
  Batch MakeBatch() const;
  // Overwrites `batch` with batch `step`. Requires step >= 0. Allocates nothing after the first
  // call.
  void Fill(int64_t step, Batch& batch);

  const BatchCapacity& capacity() const { return capacity_; }
  int64_t examples() const { return static_cast<int64_t>(usable_.size()); }  // an epoch's
  int64_t excluded() const { return excluded_; }  // no response target under loss_on kResponse
  // Batches of an epoch. It depends on the epoch for token batches only.
  int64_t StepsInEpoch(int64_t epoch);
  int64_t EpochOf(int64_t step);

 private:
  Batcher(Shard shard, const BatcherOptions& options);
  void ComputeCapacity();
  void PlanEpoch(int64_t epoch);
  void SeekTo(int64_t step);
  void AppendExample(uint32_t example, Batch& batch) const;
  int64_t RowsOf(uint32_t example) const;

  // Constant after construction.
  Shard shard_;
  BatcherOptions options_;
  std::vector<uint32_t> usable_;  // examples that take part, ascending
  int64_t excluded_ = 0;
  BatchCapacity capacity_;

  // The plan of one epoch.
  int64_t epoch_ = -1;
  std::vector<uint32_t> order_;        // usable examples, shuffled
  std::vector<uint32_t> batch_begin_;  // [steps+1] into order_
  std::vector<int64_t> epoch_begin_;   // first step of epochs 0, 1, ... as far as known
};

}  // namespace shoal::data
