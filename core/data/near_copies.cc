#include "core/data/near_copies.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"

namespace shoal::data {
namespace {

constexpr size_t kShingleBytes = 5;

// The distinct shingles of a plain form, ascending. A shorter text is one shingle.
void ShinglesOf(std::string_view plain, std::vector<uint64_t>& out) {
  out.clear();
  constexpr uint64_t kMask = (uint64_t{1} << (8 * kShingleBytes)) - 1;
  uint64_t window = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    window = (window << 8 | static_cast<uint8_t>(plain[i])) & kMask;
    if (i + 1 >= kShingleBytes) out.push_back(window);
  }
  if (out.empty()) out.push_back(window);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

// How many elements two ascending ranges share; may stop early, below `wanted`, when it is out of
// reach.
template <typename T>
int64_t Shared(const std::vector<T>& a, const std::vector<T>& b, int64_t wanted) {
  const int64_t spare_a = static_cast<int64_t>(a.size()) - wanted;
  const int64_t spare_b = static_cast<int64_t>(b.size()) - wanted;
  int64_t shared = 0;
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (a[i] == b[j]) {
      ++shared, ++i, ++j;
    } else if (a[i] < b[j]) {
      if (static_cast<int64_t>(++i) - shared > spare_a) break;
    } else {
      if (static_cast<int64_t>(++j) - shared > spare_b) break;
    }
  }
  return shared;
}

bool IsTypographic(std::string_view text, size_t i) {
  return i + 2 < text.size() && text[i] == '\xE2' && text[i + 1] == '\x80';
}

int64_t AtLeast(double value) { return static_cast<int64_t>(std::ceil(value - 1e-9)); }

}  // namespace

std::string PlainForm(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool gap = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool digit = absl::ascii_isdigit(c);
    if (c == '\'') continue;
    if (IsTypographic(text, i)) {
      gap = true;
      i += 2;
    } else if (digit || absl::ascii_isalpha(c) || c >= 0x80) {
      if (gap && !out.empty()) out += ' ';
      gap = false;
      out += digit ? '0' : absl::ascii_tolower(c);
      while (digit && i + 1 < text.size() &&
             absl::ascii_isdigit(static_cast<unsigned char>(text[i + 1]))) {
        ++i;
      }
    } else {
      gap = true;
    }
  }
  return out;
}

double TextSimilarity(std::string_view a, std::string_view b) {
  std::vector<uint64_t> x, y;
  ShinglesOf(PlainForm(a), x);
  ShinglesOf(PlainForm(b), y);
  const int64_t shared = Shared(x, y, 0);
  return static_cast<double>(shared) /
         static_cast<double>(static_cast<int64_t>(x.size() + y.size()) - shared);
}

NearCopyIndex::NearCopyIndex(std::span<const std::string> texts, double threshold)
    : threshold_(threshold), seen_(texts.size(), 0) {
  absl::flat_hash_map<uint64_t, uint32_t> counts;
  for (const std::string& text : texts) {
    ShinglesOf(PlainForm(text), shingles_);
    for (const uint64_t shingle : shingles_) ++counts[shingle];
  }
  std::vector<std::pair<uint32_t, uint64_t>> order;
  order.reserve(counts.size());
  for (const auto& [shingle, count] : counts) order.emplace_back(count, shingle);
  std::sort(order.begin(), order.end());
  for (const auto& [count, shingle] : order) {
    ids_.emplace(shingle, static_cast<uint32_t>(ids_.size()));
  }

  postings_.resize(order.size());
  for (const std::string& text : texts) {
    ShinglesOf(PlainForm(text), shingles_);
    std::vector<uint32_t> set;
    for (const uint64_t shingle : shingles_) set.push_back(ids_.at(shingle));
    std::sort(set.begin(), set.end());
    const int64_t prefix = PrefixOf(static_cast<int64_t>(set.size()));
    for (int64_t i = 0; i < prefix; ++i) {
      postings_[set[static_cast<size_t>(i)]].push_back(static_cast<uint32_t>(sets_.size()));
    }
    sets_.push_back(std::move(set));
  }
}

// Of a set of this size, so many of the rarest shingles cannot all be missing from a near copy.
int64_t NearCopyIndex::PrefixOf(int64_t size) const {
  return size - AtLeast(threshold_ * static_cast<double>(size)) + 1;
}

const std::vector<NearCopyIndex::Match>& NearCopyIndex::Find(std::string_view text) {
  matches_.clear();
  known_.clear();
  ++query_;
  ShinglesOf(PlainForm(text), shingles_);
  for (const uint64_t shingle : shingles_) {
    if (const auto found = ids_.find(shingle); found != ids_.end()) known_.push_back(found->second);
  }
  const auto size = static_cast<int64_t>(shingles_.size());
  const auto known = static_cast<int64_t>(known_.size());
  // What no text has is rarest of all: it comes first in the order.
  const int64_t prefix = std::min(known, PrefixOf(size) - (size - known));
  if (prefix <= 0) return matches_;
  std::sort(known_.begin(), known_.end());
  for (int64_t i = 0; i < prefix; ++i) {
    for (const uint32_t candidate : postings_[known_[static_cast<size_t>(i)]]) {
      if (std::exchange(seen_[candidate], query_) == query_) continue;
      const std::vector<uint32_t>& set = sets_[candidate];
      const auto both = static_cast<double>(size + static_cast<int64_t>(set.size()));
      const int64_t wanted = AtLeast(threshold_ / (1 + threshold_) * both);
      if (std::min<int64_t>(known, static_cast<int64_t>(set.size())) < wanted) continue;
      const int64_t shared = Shared(known_, set, wanted);
      if (shared < wanted) continue;
      matches_.push_back(
          {candidate, static_cast<double>(shared) / (both - static_cast<double>(shared))});
    }
  }
  return matches_;
}

}  // namespace shoal::data
