// Texts for property tests: letters, spaces, markup, scripts, emoji, and broken UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "core/base/random.h"

namespace shoal::data {

inline Random TestRandom(uint32_t index) {
  return Random(20261122, PurposeOf(Purpose::kTest, index));
}

inline std::string RandomBytes(Random& random, size_t most) {
  std::string bytes(random.Below(most + 1), '\0');
  for (char& c : bytes) c = static_cast<char>(random.Below(256));
  return bytes;
}

inline std::string RandomText(Random& random, size_t most_pieces) {
  static constexpr std::string_view kPieces[] = {"a",
                                                 "the",
                                                 "lamp",
                                                 " ",
                                                 "  ",
                                                 "\n",
                                                 "\t",
                                                 "'s",
                                                 "'ll",
                                                 "'",
                                                 "12",
                                                 "7",
                                                 "!?",
                                                 "...",
                                                 "<|",
                                                 "_",
                                                 "\xC3\xA9",
                                                 "é\xCC\x81",
                                                 "你好",
                                                 "мир",
                                                 "\xF0\x9F\xA6\xA6",
                                                 "\xC2\xA0",
                                                 "\xE3\x80\x80",
                                                 "\xE1\xA0\x8E",
                                                 "\xE2\x80\x8B",
                                                 "\xFF",
                                                 "\xC3",
                                                 "\xE4\xBD",
                                                 "\xED\xA0\x80",
                                                 "\xC0\xAF",
                                                 "\xC2\x85",
                                                 "½",
                                                 "<|im_start|>",
                                                 "<|im_end|>",
                                                 "<pad>",
                                                 "\r\n",
                                                 "\x1F",
                                                 "OTTER"};
  std::string text;
  for (uint64_t n = random.Below(most_pieces + 1); n > 0; --n) {
    text += kPieces[random.Below(std::size(kPieces))];
  }
  return text;
}

}  // namespace shoal::data
