// The merging half of byte-level BPE: the bytes of one pre-token -> ids. Internal to core/data;
// users want tokenizer.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/data/special_matcher.h"
#include "core/data/tokenizer.h"

namespace shoal::data {

// Buffers of one encoding thread.
struct MergeScratch {
  struct Symbol {
    int32_t id;
    int32_t previous;  // index, -1 at the ends
    int32_t next;
  };
  struct Candidate {
    int32_t rank;
    int32_t position;  // index of the left symbol
    int32_t result;
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

// Immutable after Build; thread-safe.
struct Tokenizer::Model {
  struct Merge {
    int32_t rank;
    int32_t result;
  };

  // Checks the parts and makes the lookup tables. Errors: as Tokenizer::FromParts.
  static absl::StatusOr<std::shared_ptr<const Model>> Build(TokenizerParts parts);

  // Appends the ids of one pre-token; returns how many bytes have no token. Never a special token.
  // O(n log n) in the bytes of the word.
  int64_t EncodeWord(std::string_view word, MergeScratch& scratch, std::vector<int32_t>& out) const;

  TokenizerParts parts;
  std::vector<uint8_t> special;        // [vocab_size] 1 for special tokens
  std::array<int32_t, 256> byte_id{};  // -1: no token
  absl::flat_hash_map<uint64_t, Merge> merges;
  absl::flat_hash_map<std::string, int32_t> id_of_bytes;  // ordinary tokens
  SpecialMatcher matcher;                                 // over parts.specials

 private:
  absl::Status CheckAndIndexTokens();
  absl::Status CheckAndIndexSpecials();
  absl::Status CheckAndIndexMerges();
  void PushCandidate(int32_t position, MergeScratch& scratch) const;
};

}  // namespace shoal::data
