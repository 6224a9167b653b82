// Cuts text at the added tokens written in it. Internal to core/data.
//
// Tokens are looked for from the left, the longest first. A single_word token beside a word
// character is passed over; lstrip and rstrip take the white space around a token into it. These
// are the Hugging Face library's rules, and so is that a token passed over (single_word, or special
// where special tokens are not wanted) hides shorter ones that begin inside of it.
#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "core/data/tokenizer/special_matcher.h"
#include "core/data/tokenizer/tokenizer_parts.h"

namespace shoal::data {

// Immutable; thread-safe.
class AddedTokens {
 public:
  AddedTokens() = default;
  // `contents[i]` is what is looked for in place of tokens[i].content.
  AddedTokens(std::vector<AddedToken> tokens, std::vector<std::string> contents);

  // Calls text(std::string_view) for the stretches between tokens, never empty, and token(id) for
  // the tokens, in order. Without `special`, special tokens are text.
  void ForEach(std::string_view input, bool special, absl::FunctionRef<void(std::string_view)> text,
               absl::FunctionRef<void(int32_t)> token) const;

 private:
  std::vector<AddedToken> tokens_;
  SpecialMatcher matcher_;
};

}  // namespace shoal::data
