// The texts that lint looks at: messages, words, n-grams. Internal to core/data.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/conversation.h"

namespace shoal::data {

// A hash for tables of this process.
uint64_t TextHash(std::string_view text);

// Calls with the hash of every n words in a row of a text's plain form.
template <typename Function>
void ForEachNgram(std::string_view plain, int64_t n, Function&& call) {
  std::vector<uint64_t> recent;  // hashes of the last words, oldest first
  for (size_t begin = 0; begin < plain.size();) {
    const size_t end = std::min(plain.find(' ', begin), plain.size());
    recent.push_back(TextHash(plain.substr(begin, end - begin)));
    begin = end + 1;
    if (static_cast<int64_t>(recent.size()) < n) continue;
    uint64_t hash = 0;
    for (const uint64_t word : recent) hash = (hash ^ word) * 0x9E3779B97F4A7C15u + (hash >> 29);
    recent.erase(recent.begin());
    call(hash);
  }
}

// What is compared of an example: the contents of its messages, one a line; without chat markup its
// text.
std::string PlainTextOf(const Example& example);

// At most `bytes` of a text on one line, with " | " between its lines, cut between characters, with
// "..." when cut.
std::string Excerpt(std::string_view text, size_t bytes = 160);

}  // namespace shoal::data
