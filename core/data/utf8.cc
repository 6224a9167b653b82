#include "core/data/utf8.h"

#include <cstdint>

namespace shoal::data {

Utf8Step NextUtf8(std::string_view text) {
  using Kind = Utf8Step::Kind;
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {Kind::kComplete, 1};
  if (lead < 0xC2 || lead > 0xF4) return {Kind::kInvalid, 1};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range is narrower for some leads; the others are 80..BF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i, low = 0x80, high = 0xBF) {
    if (i == text.size()) return {Kind::kUnfinished, i};
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < low || byte > high) return {Kind::kInvalid, i};
  }
  return {Kind::kComplete, length};
}

size_t CountInvalidUtf8(std::string_view text) {
  size_t invalid = 0;
  while (!text.empty()) {
    const Utf8Step step = NextUtf8(text);
    if (step.kind != Utf8Step::Kind::kComplete) invalid += step.bytes;
    text.remove_prefix(step.bytes);
  }
  return invalid;
}

}  // namespace shoal::data
