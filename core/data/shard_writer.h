// Puts examples of token ids into the bytes of a shard file (SHARD_FORMAT.md). Internal to
// core/data.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/shard_layout.h"

namespace shoal::data {

class ShardWriter {
 public:
  // `token_bytes[id]`: bytes of text that a token stands for; its size is the vocabulary's.
  ShardWriter(std::vector<uint32_t> token_bytes, int32_t max_seq,
              const std::array<uint8_t, 32>& tokenizer_sha256);

  // Adds one example of 2 to max_seq + 1 tokens; `flags[i]` is 1 where token i is a response's.
  // Answers the targets that are (a first token is none's target).
  uint64_t Add(std::span<const int32_t> ids, std::span<const uint8_t> flags);

  // For a labelled set: the names of the classes, before the first Add; a line feed becomes a
  // space.
  void SetClasses(std::span<const std::string> names);
  // The label of the example added last. Requires SetClasses, and one call for each example.
  void SetLabel(uint32_t label) { labels_.push_back(label); }

  const ShardHeader& header() const { return header_; }  // counts of what was added so far
  // The file. Once, at the end.
  std::string Finish();

 private:
  ShardHeader header_;
  const std::vector<uint32_t> token_bytes_;
  std::vector<uint64_t> offsets_ = {0};
  std::vector<uint32_t> example_bytes_;
  std::vector<uint32_t> tokens_;
  std::vector<uint8_t> flags_;
  std::vector<uint32_t> labels_;
  std::string class_names_;
};

}  // namespace shoal::data
