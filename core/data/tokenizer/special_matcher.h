// Finds given texts (special and other added tokens) in text: leftmost, then longest. Internal to
// core/data.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shoal::data {

// Immutable after construction; thread-safe.
class SpecialMatcher {
 public:
  struct Match {
    size_t begin = 0;    // text.size() when there is none
    int32_t index = -1;  // into the contents given at construction; -1 when there is none
    size_t size = 0;
  };

  SpecialMatcher() = default;
  // Empty contents never match.
  explicit SpecialMatcher(std::vector<std::string> contents);

  // The first content that begins at or after `begin`. Linear in the bytes passed over.
  Match Find(std::string_view text, size_t begin) const;

 private:
  std::vector<std::string> contents_;
  std::array<std::vector<int32_t>, 256> by_first_byte_;  // longest first
};

}  // namespace shoal::data
