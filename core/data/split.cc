#include "core/data/split.h"

#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "core/base/digest.h"
#include "core/base/random.h"
#include "core/data/text_source.h"

namespace shoal::data {
namespace {

struct Group {
  uint64_t order;  // key mixed with the seed
  uint64_t key;
  int64_t items;
};

// What an example must not be separated from: the text of its last response, or all of it. A
// label is no such text: whole classes would fall on one side.
uint64_t KeyOf(const Example& example) {
  if (IsLabelled(example)) return ContentKey(LabelledText(example));
  const std::vector<Segment>& segments = example.segments;
  for (size_t i = segments.size(); i-- > 0;) {
    if (!segments[i].response || segments[i].end == 0) continue;
    size_t begin = i;
    while (begin > 0 && segments[begin - 1].response) --begin;
    const uint32_t from = begin == 0 ? 0 : segments[begin - 1].end;
    return ContentKey(std::string_view(example.text).substr(from, segments[i].end - from));
  }
  return ContentKey(example.text);
}

void Recount(Source& source) {
  source.report.examples = static_cast<int64_t>(source.examples.size());
  source.report.examples_without_response = 0;
  for (const Example& example : source.examples) {
    const bool has = std::any_of(example.segments.begin(), example.segments.end(),
                                 [](const Segment& segment) { return segment.response; });
    if (!has) ++source.report.examples_without_response;
  }
}

}  // namespace

uint64_t ContentKey(std::string_view bytes) {
  const Digest digest = Sha256Of(bytes);
  uint64_t key = 0;
  for (size_t i = 0; i < 8; ++i) key |= uint64_t{digest.bytes()[i]} << (8 * i);
  return key;
}

std::vector<uint8_t> ChooseHeldOut(std::span<const uint64_t> keys, double fraction, uint64_t seed) {
  absl::flat_hash_map<uint64_t, int64_t> sizes;
  for (const uint64_t key : keys) ++sizes[key];
  std::vector<Group> groups;
  groups.reserve(sizes.size());
  for (const auto& [key, items] : sizes) {
    groups.push_back({Random(seed, PurposeOf(Purpose::kData, 2), key).NextU64(), key, items});
  }
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.order != b.order ? a.order < b.order : a.key < b.key;
  });
  auto room = static_cast<int64_t>(std::llround(fraction * static_cast<double>(keys.size())));
  absl::flat_hash_map<uint64_t, bool> chosen;
  for (const Group& group : groups) {
    if (group.items > room) continue;
    room -= group.items;
    chosen.emplace(group.key, true);
  }
  std::vector<uint8_t> held_out(keys.size(), 0);
  for (size_t i = 0; i < keys.size(); ++i) held_out[i] = chosen.contains(keys[i]) ? 1 : 0;
  return held_out;
}

SplitSource SplitByContent(Source source, double fraction, uint64_t seed) {
  std::vector<uint64_t> keys;
  keys.reserve(source.examples.size());
  for (const Example& example : source.examples) keys.push_back(KeyOf(example));
  const std::vector<uint8_t> held_out = ChooseHeldOut(keys, fraction, seed);
  SplitSource split;
  split.train.report = std::move(source.report);
  for (size_t i = 0; i < keys.size(); ++i) {
    Source& side = held_out[i] != 0 ? split.held_out : split.train;
    side.examples.push_back(std::move(source.examples[i]));
  }
  Recount(split.train);
  Recount(split.held_out);
  return split;
}

}  // namespace shoal::data
