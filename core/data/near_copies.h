// Near copies: texts that say the same but for a word, a number, capitals or punctuation.
//
// The *plain form* of a text keeps its letters, in lower case; every number becomes 0; everything
// else is one space. Two texts are near copies when the sets of 5-byte strings (shingles) in their
// plain forms have a Jaccard similarity, |A and B| / |A or B|, of at least a threshold. At 0.8 a
// text of a hundred letters stays a near copy when one short word in it is replaced, not when two
// are. Shingles of bytes need no notion of a word, so this holds for any script.
//
// The search is exact, not sampled as MinHash is: two sets this similar share one of their rarest
// shingles (prefix filtering: Chaudhuri, Ganti, Kaushik, "A primitive operator for similarity joins
// in data cleaning", ICDE 2006; Bayardo, Ma, Srikant, "Scaling up all pairs similarity search", WWW
// 2007), so only those are looked up.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace shoal::data {

inline constexpr double kNearCopySimilarity = 0.8;

// "At 9:30 Captain Bo said: Ahoy!" -> "at 0 0 captain bo said ahoy". Bytes outside ASCII stay as
// they are, but for the quotes and dashes of U+2000..U+203F, which are spaces.
std::string PlainForm(std::string_view text);

// Jaccard similarity of two texts, from 0 to 1; 1 for equal plain forms.
double TextSimilarity(std::string_view a, std::string_view b);

// Finds the near copies of a text among a fixed set of texts. Memory is about 6 bytes per byte of
// text. Thread-compatible: Find uses scratch space.
class NearCopyIndex {
 public:
  struct Match {
    int64_t text = 0;  // index into the texts that the index was made of
    double similarity = 0;
  };

  // Requires 0 < threshold <= 1.
  NearCopyIndex(std::span<const std::string> texts, double threshold);

  // All texts at least `threshold` similar, in no order. Valid until the next call.
  const std::vector<Match>& Find(std::string_view text);

 private:
  int64_t PrefixOf(int64_t size) const;

  double threshold_;
  absl::flat_hash_map<uint64_t, uint32_t> ids_;  // shingle -> id; a smaller id is a rarer shingle
  std::vector<std::vector<uint32_t>> sets_;      // [text]: ids, ascending
  std::vector<std::vector<uint32_t>> postings_;  // [id]: texts that have it among their rarest
  std::vector<int64_t> seen_;                    // [text]: the last query that met it
  int64_t query_ = 0;
  std::vector<uint64_t> shingles_;
  std::vector<uint32_t> known_;
  std::vector<Match> matches_;
};

}  // namespace shoal::data
