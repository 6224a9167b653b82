// From one word to ids: what the models of a tokenizer have in common. Internal to core/data.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/tokenizer/tokenizer_parts.h"

namespace shoal::data {

// Buffers of one encoding thread.
struct ModelScratch {
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
  std::string piece;
};

// Immutable; thread-safe.
class TokenModel {
 public:
  virtual ~TokenModel() = default;

  // Appends the ids of a word, never that of a special token but for the unknown token; returns how
  // many of the word's bytes no token stands for (they are dropped, or the unknown token stands
  // there).
  virtual int64_t EncodeWord(std::string_view word, ModelScratch& scratch,
                             std::vector<int32_t>& out) const = 0;
};

// `special[id]` is 1 for special tokens; `parts` must outlive the model.
// Errors: InvalidArgument (duplicate or empty tokens, a merge without a result token).
absl::StatusOr<std::unique_ptr<TokenModel>> MakeBpeModel(const TokenizerParts& parts,
                                                         const std::vector<uint8_t>& special);
absl::StatusOr<std::unique_ptr<TokenModel>> MakeWordPieceModel(const TokenizerParts& parts,
                                                               const std::vector<uint8_t>& special);

}  // namespace shoal::data
