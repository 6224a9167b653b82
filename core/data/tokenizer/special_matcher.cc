#include "core/data/tokenizer/special_matcher.h"

#include <algorithm>
#include <utility>

namespace shoal::data {

SpecialMatcher::SpecialMatcher(std::vector<std::string> contents) : contents_(std::move(contents)) {
  for (size_t i = 0; i < contents_.size(); ++i) {
    if (contents_[i].empty()) continue;
    by_first_byte_[static_cast<uint8_t>(contents_[i][0])].push_back(static_cast<int32_t>(i));
  }
  for (std::vector<int32_t>& list : by_first_byte_) {
    std::stable_sort(list.begin(), list.end(), [&](int32_t a, int32_t b) {
      return contents_[static_cast<size_t>(a)].size() > contents_[static_cast<size_t>(b)].size();
    });
  }
}

SpecialMatcher::Match SpecialMatcher::Find(std::string_view text, size_t begin) const {
  for (size_t i = begin; i < text.size(); ++i) {
    for (const int32_t index : by_first_byte_[static_cast<uint8_t>(text[i])]) {
      const std::string& content = contents_[static_cast<size_t>(index)];
      if (text.substr(i, content.size()) == content) return {i, index, content.size()};
    }
  }
  return {text.size(), -1, 0};
}

}  // namespace shoal::data
