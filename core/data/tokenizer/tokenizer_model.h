// A tokenizer's parts made ready to encode and decode. Internal to core/data.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/tokenizer/added_tokens.h"
#include "core/data/tokenizer/normalizer.h"
#include "core/data/tokenizer/pretokenizer.h"
#include "core/data/tokenizer/token_model.h"
#include "core/data/tokenizer/tokenizer.h"

namespace shoal::data {

// Immutable after Build; thread-safe.
struct Tokenizer::Model {
  // Checks the parts and makes the lookup tables. Errors: as Tokenizer::FromParts.
  static absl::StatusOr<std::shared_ptr<const Model>> Build(TokenizerParts parts);

  // What an id is in decoded text; at the start of it a WordPiece has no space before it.
  std::string_view Text(int32_t id, bool first) const;

  TokenizerParts parts;
  std::vector<uint8_t> special;  // [vocab_size] 1 for special tokens
  AddedTokens in_text;           // looked for before the normalizer
  AddedTokens in_normalized;     // looked for behind it
  Normalizer normalizer;
  Pretokenizer pretokenizer;
  std::unique_ptr<TokenModel> words;
  std::vector<std::string> running_text;  // kWordPiece: [vocab_size] text within a text

 private:
  absl::Status CheckTokens() const;
  absl::Status IndexAdded();
};

}  // namespace shoal::data
