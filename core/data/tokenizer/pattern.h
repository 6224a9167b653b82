// A pattern of a tokenizer.json, ready to match: a literal text or a regular expression.
// Internal to core/data.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/data/tokenizer/tokenizer_parts.h"

namespace shoal::data {

// The buffers of one matching thread; usable with every pattern. Thread-compatible.
class PatternScratch {
 public:
  PatternScratch();
  ~PatternScratch();
  PatternScratch(PatternScratch&&) noexcept;

 private:
  friend class Pattern;
  struct Buffers;
  std::unique_ptr<Buffers> buffers_;
};

// Immutable; thread-safe; copies share the compiled form.
class Pattern {
 public:
  struct Match {
    size_t begin = 0;  // text.size() when there is none
    size_t end = 0;
    bool found = false;
  };

  // Errors: InvalidArgument (a regular expression that cannot be matched exactly as the Hugging
  // Face library would, that is malformed, or that matches the empty text; see oniguruma.h).
  static absl::StatusOr<Pattern> Compile(const TextPattern& pattern);

  // The first match that begins at or after `begin`; never empty. Bytes that are not UTF-8 belong
  // to no match. An expression that backtracks beyond PCRE2's limits counts as no match.
  Match Find(std::string_view text, size_t begin, PatternScratch& scratch) const;

 private:
  struct Code;
  Pattern() = default;
  std::string literal_;
  std::shared_ptr<const Code> code_;  // null: literal
};

}  // namespace shoal::data
