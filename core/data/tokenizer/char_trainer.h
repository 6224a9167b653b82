// Trains a character-level tokenizer: one token per character of the training text.
//
// Ids: special tokens, then the characters in the order of their code points (as nanoGPT's
// shakespeare_char, which has no special tokens). It is BPE over characters without merges, so the
// Hugging Face library reads its tokenizer.json and gives the same ids.
//
// There is no unknown token: a character that was not in the training text is dropped, and counted
// in EncodeStats, as a byte without a token is in byte-level vocabularies. The vocabulary then
// holds exactly what the text holds, and bits per byte stays defined. Special tokens written in the
// text are cut out first; bytes that are not UTF-8 become no characters and are counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "core/data/tokenizer/special_matcher.h"
#include "core/data/tokenizer/tokenizer.h"

namespace shoal::data {

struct CharTrainerReport {
  int64_t text_bytes = 0;
  int64_t invalid_utf8_bytes = 0;
  int32_t characters = 0;  // distinct
  int32_t vocab_size = 0;
};

// Thread-compatible.
class CharTrainer {
 public:
  explicit CharTrainer(std::vector<std::string> special_tokens = {std::string(kPadToken),
                                                                  std::string(kStartToken),
                                                                  std::string(kEndToken)});

  void AddText(std::string_view text);

  // Errors: InvalidArgument (no character seen; empty or duplicate special tokens, or one that is a
  // single character).
  absl::StatusOr<Tokenizer> Train(CharTrainerReport* report = nullptr) const;

 private:
  std::vector<std::string> special_tokens_;
  SpecialMatcher matcher_;
  absl::flat_hash_set<char32_t> characters_;
  CharTrainerReport report_;
};

}  // namespace shoal::data
