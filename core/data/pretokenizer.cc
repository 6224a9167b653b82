#include "core/data/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <cstdint>

#include "core/base/check.h"

namespace shoal::data {
namespace {

// GPT-2's pattern with \s spelled out as Unicode White_Space: PCRE2's own \s also holds U+180E,
// which the Hugging Face library treats as an ordinary character.
#define SHOAL_SPACES                                                                       \
  "\\t-\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}" \
  "\\x{3000}"
constexpr char kGpt2Pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" SHOAL_SPACES "\\p{L}\\p{N}]+|[" SHOAL_SPACES
    "]+(?![^" SHOAL_SPACES "])|[" SHOAL_SPACES "]+";
#undef SHOAL_SPACES

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

struct Pretokenizer::Pattern {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  bool jit = false;

  Pattern() {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kGpt2Pattern), PCRE2_ZERO_TERMINATED,
                         PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &error, &offset, nullptr);
    SHOAL_CHECK(code != nullptr, "pcre2_compile: error ", error, " at ", offset);
    jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;  // else the interpreter: slower, equal
    match = pcre2_match_data_create(1, nullptr);
    SHOAL_CHECK(match != nullptr);
  }
  ~Pattern() {
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
};

Pretokenizer::Pretokenizer(Path path) : path_(path), pattern_(std::make_unique<Pattern>()) {}
Pretokenizer::~Pretokenizer() = default;
Pretokenizer::Pretokenizer(Pretokenizer&&) noexcept = default;
Pretokenizer& Pretokenizer::operator=(Pretokenizer&&) noexcept = default;

size_t Pretokenizer::Next(std::string_view text, size_t begin) {
  if (path_ == Path::kFast) {
    if (const size_t end = NextAscii(text, begin); end != 0) return end;
  }
  return NextByPattern(text, begin);
}

size_t Pretokenizer::NextByPattern(std::string_view text, size_t begin) {
  // Every character of valid UTF-8 matches some alternative, so a match that starts later than
  // `begin`, or none at all, means that the bytes before it are not valid UTF-8.
  const int rc = pcre2_match(pattern_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                             begin, 0, pattern_->match, nullptr);
  if (rc == PCRE2_ERROR_NOMATCH) return text.size();
  // The pattern has no nested repeats, so no match can run out of stack or hit a match limit.
  SHOAL_CHECK(rc > 0, "pcre2_match: ", rc);
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(pattern_->match);
  return bounds[0] > begin ? bounds[0] : bounds[1];
}

}  // namespace shoal::data
