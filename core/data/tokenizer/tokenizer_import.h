// Reads a tokenizer in whichever form it was published:
//
//   tokenizer.json                  of Hugging Face; see tokenizer.h
//   encoder.json (or vocab.json)    of GPT-2, with vocab.bpe (or merges.txt) beside it
//   vocab.txt                       of BERT: WordPiece, one entry a line, the line is the id
//
// GPT-2's form gets its pre-tokenizer, and <|endoftext|> as a special token when the vocabulary has
// it. BERT's form is read as the uncased models are: lower case, no accents, [UNK], [CLS], [SEP],
// [PAD] and [MASK] as special tokens, "##" within words, words of at most 100 characters. A
// vocab.txt does not say whether it is cased; one with upper-case entries is refused, because its
// settings are then in a tokenizer.json.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/data/tokenizer/tokenizer.h"

namespace shoal::data {

enum class TokenizerForm { kTokenizerJson, kGpt2, kWordPiece };

struct TokenizerFiles {
  TokenizerForm form = TokenizerForm::kTokenizerJson;
  std::string vocabulary;  // tokenizer.json, encoder.json or vocab.txt
  std::string merges;      // kGpt2
};

// Tells the form by the names and the content, and finds the file that belongs to it. `merges` is
// given when the merges do not lie beside the vocabulary; else empty. A folder stands for the
// tokenizer in it. Errors: NotFound, InvalidArgument (neither form).
absl::StatusOr<TokenizerFiles> FindTokenizerFiles(const std::string& path,
                                                  const std::string& merges = "");

// Errors: those of the above; InvalidArgument naming file and line or member.
absl::StatusOr<Tokenizer> ImportTokenizer(const TokenizerFiles& files);

// The same tokenizer with Shoal's chat tokens (<pad>, <|im_start|>, <|im_end|>) added behind its
// vocabulary where it lacks them.
absl::StatusOr<Tokenizer> WithChatTokens(const Tokenizer& tokenizer);

}  // namespace shoal::data
