// The few things that core/data needs to know about UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace shoal::data {

// What the bytes at the start of a text are.
struct Utf8Step {
  enum class Kind {
    kComplete,    // one well-formed character of `bytes` bytes
    kUnfinished,  // a prefix of a character: more bytes could complete it
    kInvalid,     // `bytes` bytes that no continuation can make well-formed
  };
  Kind kind = Kind::kInvalid;
  size_t bytes = 1;
};

// Looks at the first character of a non-empty text. Follows Unicode's table 3-7: no overlong forms,
// no surrogates, nothing above U+10FFFF; an invalid step is the maximal subpart that U+FFFD
// replaces.
Utf8Step NextUtf8(std::string_view text);

// How many bytes of the text do not belong to a well-formed character.
size_t CountInvalidUtf8(std::string_view text);

}  // namespace shoal::data
