// Rewrites a regular expression of a tokenizer.json for PCRE2. Internal to core/data.
//
// Hugging Face compiles these expressions with Oniguruma (Ruby's syntax, Unicode 16); we match with
// PCRE2. What both read alike is passed on; what they read differently is spelled out (\s, \w, \h,
// \p{...} with what Unicode 15 and 16 added); what cannot be said in PCRE2 with the same meaning is
// refused by name: nested and intersected classes, \b, $, back references, options but (?i), and a
// case-insensitive literal that one character could stand for ("ss" and U+00DF).
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace shoal::data {

// A pattern for PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF.
// Errors: InvalidArgument, naming the construct and its place.
absl::StatusOr<std::string> TranslateOniguruma(std::string_view regex);

}  // namespace shoal::data
