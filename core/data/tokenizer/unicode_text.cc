#include "core/data/tokenizer/unicode_text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "core/base/check.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

constexpr UnicodeAddition kAdditions[] = {
#include "core/data/tokenizer/unicode_additions.inc"
};

const UnicodeAddition* FindAddition(char32_t c) {
  const auto* it = std::lower_bound(
      std::begin(kAdditions), std::end(kAdditions), c,
      [](const UnicodeAddition& range, char32_t value) { return range.last < value; });
  return it != std::end(kAdditions) && it->first <= c ? it : nullptr;
}

bool HasCategory(char32_t c, uint32_t mask) {
  return (U_MASK(u_charType(static_cast<UChar32>(c))) & mask) != 0;
}

// Assigned in this version of Unicode already.
bool IsOfVersion(char32_t c, int version) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] != 0 && (age[0] < version || (age[0] == version && age[1] == 0));
}

bool IsAsciiPunctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// Normalizers that leave characters younger than Unicode 12 alone.
class Normalizers {
 public:
  Normalizers() {
    UErrorCode error = U_ZERO_ERROR;
    const icu::UnicodeSet known(u"[:age=12.0:]", error);
    const std::array<const icu::Normalizer2*, 4> all = {
        icu::Normalizer2::getNFCInstance(error), icu::Normalizer2::getNFDInstance(error),
        icu::Normalizer2::getNFKCInstance(error), icu::Normalizer2::getNFKDInstance(error)};
    SHOAL_CHECK(U_SUCCESS(error), "ICU's normalization data: ", u_errorName(error));
    // They live as long as the program; the set is theirs from here on.
    const auto* set = new icu::UnicodeSet(known);
    for (size_t i = 0; i < all.size(); ++i) {
      filtered_[i] = new icu::FilteredNormalizer2(*all[i], *set);
    }
  }

  const icu::Normalizer2& Of(NormalForm form) const {
    return *filtered_[static_cast<size_t>(form)];
  }

 private:
  std::array<const icu::Normalizer2*, 4> filtered_{};
};

}  // namespace

std::span<const UnicodeAddition> UnicodeAdditions() { return kAdditions; }

std::optional<char32_t> DecodeUtf8(std::string_view text, size_t& bytes) {
  const Utf8Step step = NextUtf8(text);
  bytes = step.bytes;
  if (step.kind != Utf8Step::Kind::kComplete) return std::nullopt;
  const auto lead = static_cast<uint8_t>(text[0]);
  if (bytes == 1) return lead;
  char32_t c = lead & (0xFF >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) c = c << 6 | (static_cast<uint8_t>(text[i]) & 0x3F);
  return c;
}

void AppendUtf8(char32_t c, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

bool IsWhiteSpace(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x80 && u_isUWhiteSpace(UChar32(c)));
}

bool IsNumeric(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  if (const UnicodeAddition* addition = FindAddition(c)) return addition->category[0] == 'N';
  return HasCategory(c, U_GC_N_MASK);
}

bool IsWordChar(char32_t c) {
  if (const UnicodeAddition* addition = FindAddition(c)) {
    const std::string_view category = addition->category;
    return category[0] == 'L' || category[0] == 'M' || category == "Nd";
  }
  return u_hasBinaryProperty(UChar32(c), UCHAR_ALPHABETIC) != 0 ||
         u_hasBinaryProperty(UChar32(c), UCHAR_JOIN_CONTROL) != 0 ||
         HasCategory(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK);
}

bool IsBertPunctuation(char32_t c) {
  if (c < 0x80) return IsAsciiPunctuation(c);
  // Two characters were punctuation in Unicode 8 and are something else today.
  if (c == 0x166D || c == 0x111C9) return true;
  return HasCategory(c, U_GC_P_MASK) && IsOfVersion(c, 8);
}

bool IsBertControl(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  if (c < 0x80) return c < 0x20 || c == 0x7F;
  if (HasCategory(c, U_GC_CO_MASK)) return true;
  return HasCategory(c, U_GC_CC_MASK | U_GC_CF_MASK) && IsOfVersion(c, 8);
}

bool IsBertNonspacingMark(char32_t c) {
  return c >= 0x300 && HasCategory(c, U_GC_MN_MASK) && IsOfVersion(c, 8) && c != 0x111C9;
}

bool IsBertChinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
         (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool IsCombiningMark(char32_t c) {
  if (c == 0x1CF2 || c == 0x1CF3) return true;  // letters today
  return c >= 0x300 && HasCategory(c, U_GC_M_MASK) && IsOfVersion(c, 9) && c != 0x111C9;
}

void AppendLower(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  } else if (c == 0x130) {
    out += "i\xCC\x87";  // the one character whose lower case is two
  } else if (const UnicodeAddition* addition = FindAddition(c)) {
    AppendUtf8(static_cast<char32_t>(static_cast<int32_t>(c) + addition->lower), out);
  } else {
    AppendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))), out);
  }
}

void AppendNormalized(NormalForm form, std::string_view text, std::string& out) {
  static const Normalizers* normalizers = new Normalizers;
  const icu::Normalizer2& normalizer = normalizers->Of(form);
  icu::StringByteSink<std::string> sink(&out);
  while (!text.empty()) {
    size_t valid = 0;
    bool ascii = true;
    Utf8Step step;
    while (valid < text.size()) {
      step = NextUtf8(text.substr(valid));
      if (step.kind != Utf8Step::Kind::kComplete) break;
      ascii = ascii && step.bytes == 1;
      valid += step.bytes;
    }
    if (ascii) {
      out += text.substr(0, valid);
    } else {
      UErrorCode error = U_ZERO_ERROR;
      normalizer.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(valid)), sink,
                               nullptr, error);
      SHOAL_CHECK(U_SUCCESS(error), "ICU: ", u_errorName(error));
    }
    text.remove_prefix(valid);
    if (text.empty()) return;
    out += text.substr(0, step.bytes);
    text.remove_prefix(step.bytes);
  }
}

}  // namespace shoal::data
