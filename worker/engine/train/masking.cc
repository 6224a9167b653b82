#include "worker/engine/train/masking.h"

#include "core/base/random.h"

namespace shoal::engine {

Masking::Masking(const data::Shard& shard, int32_t mask_token, double probability)
    : is_ordinary_(shard.TokenByteCounts().size(), 0),
      mask_token_(mask_token),
      probability_(probability) {
  const auto bytes = shard.TokenByteCounts();
  for (size_t id = 0; id < bytes.size(); ++id) {
    if (bytes[id] == 0) continue;
    is_ordinary_[id] = 1;
    ordinary_.push_back(static_cast<int32_t>(id));
  }
  knows_ordinary_ = !ordinary_.empty();
  if (knows_ordinary_) return;
  for (size_t id = 0; id < bytes.size(); ++id) {
    if (static_cast<int32_t>(id) != mask_token) ordinary_.push_back(static_cast<int32_t>(id));
  }
}

bool Masking::MayBeGuessed(const data::Batch& batch, int64_t row, int64_t begin,
                           int64_t end) const {
  const int32_t token = batch.tokens[static_cast<size_t>(row)];
  if (knows_ordinary_) return is_ordinary_[static_cast<size_t>(token)] != 0;
  return token != mask_token_ && row > begin && row + 1 < end;
}

void Masking::Apply(uint64_t seed, const std::vector<uint64_t>& keys, data::Batch& batch) const {
  batch.loss_tokens = 0;
  for (size_t s = 0; s < static_cast<size_t>(batch.sequences); ++s) {
    Random random(seed, PurposeOf(Purpose::kMask), keys[s]);
    const int64_t begin = batch.sequence_offsets[s], end = batch.sequence_offsets[s + 1];
    for (int64_t row = begin; row < end; ++row) {
      // Three draws a token, whatever comes of them, so that tokens do not disturb each other.
      const bool guessed = random.Uniform() < probability_;
      const float choice = random.Uniform();
      const int32_t other = ordinary_[random.NextU64() % ordinary_.size()];
      int32_t& token = batch.tokens[static_cast<size_t>(row)];
      int32_t& target = batch.targets[static_cast<size_t>(row)];
      target = -1;
      if (!guessed || !MayBeGuessed(batch, row, begin, end)) continue;
      target = token;
      ++batch.loss_tokens;
      if (choice < 0.8F) {
        token = mask_token_;
      } else if (choice < 0.9F) {
        token = other;
      }
    }
  }
}

}  // namespace shoal::engine
