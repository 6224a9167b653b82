#include "core/data/tokenizer/added_tokens.h"

#include <algorithm>

#include "core/data/tokenizer/unicode_text.h"

namespace shoal::data {
namespace {

// The character that ends before `end`; nullopt at the start, or when it is not UTF-8.
std::optional<char32_t> CharBefore(std::string_view text, size_t end, size_t& begin) {
  if (end == 0) return std::nullopt;
  begin = end - 1;
  while (begin > 0 && end - begin < 4 && (text[begin] & 0xC0) == 0x80) --begin;
  size_t bytes = 0;
  const std::optional<char32_t> c = DecodeUtf8(text.substr(begin, end - begin), bytes);
  return bytes == end - begin ? c : std::nullopt;
}

bool IsAlone(std::string_view text, size_t begin, size_t end) {
  size_t place = 0;
  const std::optional<char32_t> before = CharBefore(text, begin, place);
  if (before.has_value() && IsWordChar(*before)) return false;
  if (end == text.size()) return true;
  const std::optional<char32_t> after = DecodeUtf8(text.substr(end), place);
  return !after.has_value() || !IsWordChar(*after);
}

size_t SkipSpaceBefore(std::string_view text, size_t end) {
  size_t begin = 0;
  for (;;) {
    const std::optional<char32_t> c = CharBefore(text, end, begin);
    if (!c.has_value() || !IsWhiteSpace(*c)) return end;
    end = begin;
  }
}

size_t SkipSpaceAfter(std::string_view text, size_t begin) {
  for (size_t bytes = 0; begin < text.size(); begin += bytes) {
    const std::optional<char32_t> c = DecodeUtf8(text.substr(begin), bytes);
    if (!c.has_value() || !IsWhiteSpace(*c)) break;
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, std::vector<std::string> contents)
    : tokens_(std::move(tokens)), matcher_(std::move(contents)) {}

void AddedTokens::ForEach(std::string_view input, bool special,
                          absl::FunctionRef<void(std::string_view)> text,
                          absl::FunctionRef<void(int32_t)> token) const {
  size_t done = 0;  // what lies before has been given out
  for (size_t at = 0; at < input.size();) {
    const SpecialMatcher::Match match = matcher_.Find(input, at);
    if (match.index < 0) break;
    const AddedToken& found = tokens_[static_cast<size_t>(match.index)];
    size_t begin = match.begin;
    size_t end = at = match.begin + match.size;
    if (found.special && !special) continue;
    if (found.single_word && !IsAlone(input, begin, end)) continue;
    if (found.lstrip) begin = std::max(SkipSpaceBefore(input, begin), done);
    if (found.rstrip) end = SkipSpaceAfter(input, end);
    if (done < begin) text(input.substr(done, begin - done));
    token(found.id);
    done = end;
  }
  if (done < input.size()) text(input.substr(done));
}

}  // namespace shoal::data
