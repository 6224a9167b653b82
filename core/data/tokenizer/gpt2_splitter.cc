#include "core/data/tokenizer/gpt2_splitter.h"

#include <array>
#include <cstdint>

#include "core/base/check.h"

namespace shoal::data {
namespace {

constexpr char kGpt2Pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const Pattern& Gpt2Pattern() {
  static const Pattern* pattern = [] {
    absl::StatusOr<Pattern> compiled = Pattern::Compile({.text = kGpt2Pattern, .regex = true});
    SHOAL_CHECK(compiled.ok(), compiled.status().message());
    return new Pattern(*std::move(compiled));
  }();
  return *pattern;
}

enum class Class : uint8_t { kLetter, kDigit, kSpace, kOther, kNotAscii };

constexpr std::array<Class, 256> MakeClasses() {
  std::array<Class, 256> classes{};
  for (size_t b = 0; b < 256; ++b) {
    const bool letter = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
    const bool digit = b >= '0' && b <= '9';
    const bool space = b == ' ' || (b >= '\t' && b <= '\r');
    classes[b] = b >= 0x80 ? Class::kNotAscii
                 : letter  ? Class::kLetter
                 : digit   ? Class::kDigit
                 : space   ? Class::kSpace
                           : Class::kOther;
  }
  return classes;
}
constexpr std::array<Class, 256> kClasses = MakeClasses();

// Length of the contraction ('s 't 're 've 'm 'll 'd) that `text` starts with at an apostrophe, or
// 0.
size_t ContractionAt(std::string_view text) {
  if (text.size() < 2) return 0;
  switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return text.size() > 2 && text[2] == 'e' ? 3 : 0;
    case 'l':
      return text.size() > 2 && text[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

// The end of the pre-token at `begin` when ASCII alone decides it, else 0. A piece is undecided
// when the byte that ends it is not ASCII: that byte's character might belong to the piece.
size_t NextAscii(std::string_view text, size_t begin) {
  const auto class_at = [&](size_t i) { return kClasses[static_cast<uint8_t>(text[i])]; };
  if (text[begin] == '\'') {
    if (const size_t n = ContractionAt(text.substr(begin)); n > 0) return begin + n;
  }
  size_t i = begin;
  Class run = class_at(i);
  if (text[i] == ' ' && i + 1 < text.size() && class_at(i + 1) != Class::kSpace) {
    run = class_at(++i);  // one space may lead a run of letters, digits or others
  }
  if (run == Class::kNotAscii) return 0;
  while (i < text.size() && class_at(i) == run) ++i;
  if (i == text.size()) return i;
  if (class_at(i) == Class::kNotAscii) return 0;
  // Spaces before a visible character leave the last one to it, unless there is only one.
  if (run == Class::kSpace && i - begin > 1) return i - 1;
  return i;
}

}  // namespace

size_t Gpt2Splitter::Next(std::string_view text, size_t begin) {
  if (path_ == Path::kFast) {
    if (const size_t end = NextAscii(text, begin); end != 0) return end;
  }
  return NextByPattern(text, begin);
}

size_t Gpt2Splitter::NextByPattern(std::string_view text, size_t begin) {
  // Every character of valid UTF-8 matches some alternative, so a match that starts later than
  // `begin`, or none at all, means that the bytes before it are not valid UTF-8.
  const Pattern::Match match = Gpt2Pattern().Find(text, begin, scratch_);
  return match.begin > begin ? match.begin : match.end;
}

}  // namespace shoal::data
