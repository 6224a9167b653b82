// Trains a byte-level BPE tokenizer.
//
// Words are the distinct pre-tokens of the training text with their counts. The pair with the
// highest count is merged again and again; ties go to the pair with the smaller ids (left id
// first), which is the rule of Hugging Face's BpeTrainer with `initial_alphabet =
// ByteLevel.alphabet()`. Ids: special tokens, then the 256 bytes in the order of their symbols,
// then one token per merge. A merge whose bytes are a token already (ab+c after a+bc) reuses that
// id. Same text in any order and with any number of threads, same tokenizer.
//
// Special tokens written in the text (chat markup) are cut out before counting; they never take
// part in a merge.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/tokenizer/tokenizer.h"

namespace shoal::data {

struct BpeTrainerOptions {
  int32_t vocab_size = 2048;     // tokens, special tokens and 256 bytes included; an upper bound
  int64_t min_frequency = 2;     // a pair seen less often is never merged
  int32_t max_token_bytes = 64;  // no token becomes longer
  std::vector<std::string> special_tokens = {std::string(kPadToken), std::string(kStartToken),
                                             std::string(kEndToken)};  // ids 0, 1, 2, ...
  int threads = 1;  // that count words in AddTexts; merging is done by one
};

struct BpeTrainerReport {
  int64_t text_bytes = 0;
  int64_t words = 0;         // pre-tokens counted
  int64_t unique_words = 0;  // distinct pre-tokens
  int32_t merges = 0;
  int32_t vocab_size = 0;  // less than asked when the text has no more pairs of min_frequency
};

// Thread-compatible.
class BpeTrainer {
 public:
  explicit BpeTrainer(BpeTrainerOptions options = {});
  ~BpeTrainer();

  // Counts the pre-tokens of one text. Texts do not join: nothing merges across two calls.
  void AddText(std::string_view text);
  // The same for many texts, on options.threads threads; a long text is shared out by its lines.
  void AddTexts(std::span<const std::string_view> texts);

  // Learns the merges. May be called once; the counts are consumed.
  // Errors: InvalidArgument (vocab_size below special tokens + 256, empty or duplicate special
  // tokens, min_frequency < 1, max_token_bytes < 1).
  absl::StatusOr<Tokenizer> Train(BpeTrainerReport* report = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace shoal::data
