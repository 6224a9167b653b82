// Cuts text into words, which no token crosses: the "pre_tokenizer" of a tokenizer.json.
// Internal to core/data.
//
// Steps apply one after the other, each to the pieces of the one before. A step finds its matches
// (a pattern's, digits, punctuation, white space), and its behavior says what they become: removed,
// pieces of their own (isolated), joined to the piece before or after, or joined with their equals
// (contiguous). ByteLevel prepends a space where asked to and cuts as GPT-2 does (gpt2_splitter.h).
// No steps: the whole text is one word. Bytes that are not UTF-8 never match.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/data/tokenizer/gpt2_splitter.h"
#include "core/data/tokenizer/pattern.h"
#include "core/data/tokenizer/tokenizer_parts.h"

namespace shoal::data {

// A piece of a text, and whether it is a match.
struct Cut {
  size_t begin = 0;
  size_t end = 0;
  bool match = false;
};

// The buffers of one thread for one Pretokenizer. Thread-compatible.
struct PretokenizerScratch {
  PatternScratch pattern;
  Gpt2Splitter gpt2;
  std::vector<std::vector<Cut>> cuts;  // per step
  std::string prefixed;
};

// Immutable; thread-safe.
class Pretokenizer {
 public:
  Pretokenizer() = default;
  // Errors: InvalidArgument (a pattern; a step after ByteLevel).
  static absl::StatusOr<Pretokenizer> Create(const std::vector<PretokenizerStep>& steps);

  // Calls f for every word in order. Words are views into `text` or into the scratch.
  void ForEach(std::string_view text, PretokenizerScratch& scratch,
               absl::FunctionRef<void(std::string_view word)> f) const {
    if (!text.empty()) Run(0, text, scratch, f);
  }

 private:
  struct Step {
    PretokenizerStep what;
    std::vector<Pattern> pattern;  // of kSplit: one
  };
  void Run(size_t step, std::string_view piece, PretokenizerScratch& scratch,
           absl::FunctionRef<void(std::string_view)> f) const;
  static void Find(const Step& step, std::string_view text, PatternScratch& scratch,
                   std::vector<Cut>& cuts);

  std::vector<Step> steps_;
};

}  // namespace shoal::data
