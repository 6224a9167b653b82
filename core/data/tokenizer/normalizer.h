// Rewrites text before it is cut into words: the "normalizer" of a tokenizer.json.
// Internal to core/data.
//
// BERT's cleaning is, in this order: control characters and U+FFFD go and white space becomes a
// space; CJK ideographs get a space on both sides; accents go (canonical decomposition without
// nonspacing marks); lower case. Bytes that are not UTF-8 pass through every step unchanged, but
// for BERT's, which removes them as it removes the U+FFFD that other libraries put in their place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/tokenizer/pattern.h"
#include "core/data/tokenizer/tokenizer_parts.h"

namespace shoal::data {

// Immutable; thread-safe.
class Normalizer {
 public:
  Normalizer() = default;
  // Errors: InvalidArgument (a pattern; see Pattern::Compile).
  static absl::StatusOr<Normalizer> Create(const std::vector<NormalizerStep>& steps);

  bool empty() const { return steps_.empty(); }
  std::string Apply(std::string_view text, PatternScratch& scratch) const;

 private:
  struct Step {
    NormalizerStep what;
    std::vector<Pattern> pattern;  // of kReplace: one
  };
  std::vector<Step> steps_;
};

}  // namespace shoal::data
