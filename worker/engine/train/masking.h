// Masked language modelling (Devlin et al. 2019): which tokens of a batch are to be guessed, and
// what stands in their place.
#ifndef SHOAL_WORKER_ENGINE_TRAIN_MASKING_H_
#define SHOAL_WORKER_ENGINE_TRAIN_MASKING_H_

#include <cstdint>
#include <vector>

#include "core/data/batcher.h"
#include "core/data/shard.h"

namespace shoal::engine {

// Immutable; thread-safe.
class Masking {
 public:
  // `mask_token`: what stands for a token to be guessed. Special tokens, those without bytes of
  // text, are neither guessed nor drawn; where no token has bytes (WordPiece), only `mask_token`
  // and the first and last of a sequence are left alone.
  Masking(const data::Shard& shard, int32_t mask_token, double probability);

  // Draws targets: each token with `probability`; of these 80 % become the mask, 10 % another token
  // of the vocabulary, 10 % stay. Overwrites tokens, targets and loss_tokens. What is drawn depends
  // on nothing but (seed, key of the sequence): `keys` [S].
  void Apply(uint64_t seed, const std::vector<uint64_t>& keys, data::Batch& batch) const;

 private:
  bool MayBeGuessed(const data::Batch& batch, int64_t row, int64_t begin, int64_t end) const;

  std::vector<int32_t> ordinary_;     // tokens that stand for text; ascending
  std::vector<uint8_t> is_ordinary_;  // by id
  bool knows_ordinary_;
  int32_t mask_token_;
  double probability_;
};

}  // namespace shoal::engine

#endif  // SHOAL_WORKER_ENGINE_TRAIN_MASKING_H_
