// GPT-2's way to cut text into words, the pieces that BPE merges never cross: the pattern
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// where \s is Unicode White_Space, and letters and numbers are those of Unicode 16. Pure ASCII
// stretches are cut by a hand-written scanner that agrees with the pattern; anything else goes
// through PCRE2 with its JIT. A byte that is not part of valid UTF-8 belongs to no match; such
// bytes come out as pre-tokens of their own, so the pieces always concatenate to the input.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/data/tokenizer/pattern.h"

namespace shoal::data {

// Thread-compatible: one object per thread (it owns the match state).
class Gpt2Splitter {
 public:
  enum class Path { kFast, kPatternOnly };  // kPatternOnly: no ASCII scanner; the oracle of tests

  explicit Gpt2Splitter(Path path = Path::kFast) : path_(path) {}

  // The end of the pre-token that starts at `begin`, so text.substr(begin, end - begin) is the
  // piece. Requires begin < text.size(); end > begin. A piece depends only on what follows it.
  size_t Next(std::string_view text, size_t begin);

  // Calls f(std::string_view piece) for every piece in order.
  template <typename F>
  void ForEach(std::string_view text, F&& f) {
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = Next(text, begin);
      f(text.substr(begin, end - begin));
      begin = end;
    }
  }

 private:
  size_t NextByPattern(std::string_view text, size_t begin);

  Path path_;
  PatternScratch scratch_;
};

}  // namespace shoal::data
