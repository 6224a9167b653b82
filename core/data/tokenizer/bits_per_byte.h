// Bits per byte: the loss measure that tokenizers with different vocabularies can be compared by.
//
//   bits per byte = (nats summed over counted targets) / ln 2 / (text bytes of those targets)
//
// A target counts when it stands for text (its byte count is > 0): special tokens such as
// <|im_end|> and targets of -1 count neither in the nats nor in the bytes. Loss per token, which
// does include special tokens, is a different sum; do not derive one from the other.
#pragma once

#include <cstdint>
#include <span>

namespace shoal::data {

// Thread-compatible.
class BitsPerByte {
 public:
  // `token_bytes`: Shard::TokenByteCounts() or Tokenizer::TokenByteCounts(); must outlive this
  // object.
  explicit BitsPerByte(std::span<const uint32_t> token_bytes) : token_bytes_(token_bytes) {}

  // Adds one batch. nats[i] is the cross-entropy of row i in nats; ignored where the target does
  // not count. Requires equal sizes and targets[i] < token_bytes.size().
  void Add(std::span<const float> nats, std::span<const int32_t> targets);

  double nats() const { return nats_; }  // over counted targets
  int64_t bytes() const { return bytes_; }
  int64_t tokens() const { return tokens_; }
  // NaN when nothing was counted.
  double value() const;

 private:
  std::span<const uint32_t> token_bytes_;
  double nats_ = 0;
  int64_t bytes_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace shoal::data
