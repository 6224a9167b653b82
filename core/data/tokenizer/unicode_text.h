// What the tokenizer libraries know about characters, in the Unicode version each part of them
// uses. Internal to core/data.
//
// The Hugging Face library is built from parts with tables of their own: its regular expressions
// follow Unicode 16, its normal forms Unicode 12, and what BERT's cleaning and splitting ask about
// categories Unicode 8 (crate unicode_categories). A character younger than a part's version is
// unassigned to it. ICU here knows Unicode 15 or later, with the age of every character; what came
// later is in unicode_additions.inc. Every function is thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace shoal::data {

// A stretch of code points that Unicode assigned after version 14.
struct UnicodeAddition {
  char32_t first = 0;
  char32_t last = 0;
  const char* category = "";  // general category, two letters
  int32_t lower = 0;          // what to add for lower case
};
std::span<const UnicodeAddition> UnicodeAdditions();

// The character at the start of a non-empty text; nullopt when that is not UTF-8. `bytes` is its
// length, or that of the bytes to step over.
std::optional<char32_t> DecodeUtf8(std::string_view text, size_t& bytes);
void AppendUtf8(char32_t c, std::string& out);

bool IsWhiteSpace(char32_t c);  // property White_Space
bool IsNumeric(char32_t c);     // general category N, Unicode 16
bool IsWordChar(char32_t c);    // letters, marks, decimal digits, connectors, Unicode 16
// BERT's three questions, as of Unicode 8.
bool IsBertPunctuation(char32_t c);  // ASCII punctuation and general category P
bool IsBertControl(char32_t c);      // general category C without unassigned; not \t \n \r
bool IsBertNonspacingMark(char32_t c);
bool IsBertChinese(char32_t c);  // the CJK blocks that BERT lists
// Combining marks as of Unicode 9: what the normalizer StripAccents removes.
bool IsCombiningMark(char32_t c);

// Appends the character in lower case (one character becomes two: U+0130).
void AppendLower(char32_t c, std::string& out);

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };
// Appends `text` in a normal form as of Unicode 12. Bytes that are not UTF-8 stay as they are and
// separate what is around them.
void AppendNormalized(NormalForm form, std::string_view text, std::string& out);

}  // namespace shoal::data
