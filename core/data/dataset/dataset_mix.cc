#include "core/data/dataset/dataset_mix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/container/flat_hash_set.h"
#include "core/base/mapped_file.h"
#include "core/base/random.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/split.h"

namespace shoal::data {
namespace {

// The examples of one side of one part: views into its file.
struct Lines {
  std::optional<MappedFile> file;
  std::vector<std::string_view> lines;
};

absl::StatusOr<Lines> ReadLines(const std::string& path) {
  Lines side;
  if (path.empty()) return side;
  SHOAL_ASSIGN_OR_RETURN(side.file, MappedFile::Open(path));
  std::string_view text = side.file->text();
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) side.lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return side;
}

absl::Status CheckParts(const std::vector<MixPart>& parts) {
  if (parts.size() < 2) return absl::InvalidArgumentError("a mixture has at least two parts");
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!(parts[i].weight > 0) || !std::isfinite(parts[i].weight)) {
      return absl::InvalidArgumentError(
          StrCat("the share of ", parts[i].name, " must be above 0, is ", parts[i].weight));
    }
    for (size_t j = 0; j < i; ++j) {
      if (parts[j].name == parts[i].name)
        return absl::InvalidArgumentError(StrCat(parts[i].name, " is given twice"));
    }
  }
  return absl::OkStatus();
}

// `total` divided by the shares, in whole numbers that add up: the largest remainders get one more.
std::vector<int64_t> Divide(int64_t total, const std::vector<double>& shares) {
  std::vector<int64_t> counts;
  std::vector<std::pair<double, size_t>> remainders;
  int64_t given = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    const double exact = shares[i] * static_cast<double>(total);
    counts.push_back(static_cast<int64_t>(exact));
    given += counts.back();
    remainders.emplace_back(static_cast<double>(counts.back()) - exact, i);  // most left: smallest
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; i < remainders.size() && given < total; ++i, ++given) {
    ++counts[remainders[i].second];
  }
  return counts;
}

// The most that can be divided by the shares without asking more of a part than it has.
int64_t MostWithoutRepetition(const std::vector<double>& shares,
                              const std::vector<int64_t>& sizes) {
  double most = std::numeric_limits<double>::max();
  for (size_t i = 0; i < shares.size(); ++i) {
    most = std::min(most, static_cast<double>(sizes[i]) / shares[i]);
  }
  if (most == 0) return 0;
  auto total = static_cast<int64_t>(most) + static_cast<int64_t>(shares.size());
  const auto fits = [&](int64_t n) {
    const std::vector<int64_t> counts = Divide(n, shares);
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > sizes[i]) return false;
    }
    return true;
  };
  while (total > 0 && !fits(total)) --total;
  return total;
}

// The `count` first of the lines in shuffled rounds.
std::vector<std::string_view> Take(const std::vector<std::string_view>& lines, int64_t count,
                                   uint64_t seed, std::string_view name) {
  std::vector<std::string_view> taken;
  const uint64_t key = ContentKey(StrCat(seed, "\n", name));
  for (uint64_t round = 0; static_cast<int64_t>(taken.size()) < count; ++round) {
    std::vector<std::string_view> order = lines;
    Random(key, PurposeOf(Purpose::kData, 4), round).Shuffle(std::span(order));
    const auto missing = static_cast<size_t>(count) - taken.size();
    taken.insert(taken.end(), order.begin(),
                 order.begin() + static_cast<std::ptrdiff_t>(std::min(missing, order.size())));
  }
  return taken;
}

// Adds the lists, interleaved evenly: what is furthest behind its share comes next.
absl::Status AddInterleaved(const std::vector<std::vector<std::string_view>>& lists, Side side,
                            DatasetBuilder& builder) {
  std::vector<size_t> used(lists.size(), 0);
  size_t total = 0;
  for (const auto& list : lists) total += list.size();
  for (size_t n = 0; n < total; ++n) {
    size_t next = lists.size();
    double earliest = std::numeric_limits<double>::max();
    for (size_t i = 0; i < lists.size(); ++i) {
      if (used[i] == lists[i].size()) continue;
      const double place =
          (static_cast<double>(used[i]) + 0.5) / static_cast<double>(lists[i].size());
      if (place < earliest) earliest = place, next = i;
    }
    SHOAL_ASSIGN_OR_RETURN(const Record record, ParseRecord(lists[next][used[next]++]));
    SHOAL_RETURN_IF_ERROR(builder.Add(record, side));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<MixResult> MixDatasets(const std::vector<MixPart>& parts, int64_t examples,
                                      uint64_t seed, const std::string& folder) {
  SHOAL_RETURN_IF_ERROR(CheckParts(parts));
  MixResult result;
  std::vector<Lines> train, held_out;
  std::vector<double> shares;
  absl::flat_hash_set<std::string_view> apart;  // everything that some part holds out
  double weights = 0;
  for (const MixPart& part : parts) weights += part.weight;
  for (const MixPart& part : parts) {
    shares.push_back(part.weight / weights);
    SHOAL_ASSIGN_OR_RETURN(train.emplace_back(), ReadLines(part.train_path), part.name);
    SHOAL_ASSIGN_OR_RETURN(held_out.emplace_back(), ReadLines(part.held_out_path), part.name);
    apart.insert(held_out.back().lines.begin(), held_out.back().lines.end());
  }
  std::vector<int64_t> sizes, held_out_sizes;
  for (size_t i = 0; i < parts.size(); ++i) {
    MixTaken& taken = result.taken.emplace_back();
    taken.left_out = static_cast<int64_t>(
        std::erase_if(train[i].lines, [&](std::string_view line) { return apart.contains(line); }));
    taken.available = static_cast<int64_t>(train[i].lines.size());
    if (taken.available == 0) {
      return absl::InvalidArgumentError(StrCat(parts[i].name, " has no example to train on"));
    }
    sizes.push_back(taken.available);
    held_out_sizes.push_back(static_cast<int64_t>(held_out[i].lines.size()));
  }
  const int64_t total = examples > 0 ? examples : MostWithoutRepetition(shares, sizes);
  const std::vector<int64_t> counts = Divide(total, shares);
  const std::vector<int64_t> held_out_counts =
      Divide(MostWithoutRepetition(shares, held_out_sizes), shares);
  std::vector<std::vector<std::string_view>> train_lists, held_out_lists;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (counts[i] == 0) {
      return absl::InvalidArgumentError(StrCat("the share of ", parts[i].name, " is less than one ",
                                               "of ", total, " examples; ask for more examples"));
    }
    result.taken[i].train = counts[i];
    result.taken[i].held_out = held_out_counts[i];
    train_lists.push_back(Take(train[i].lines, counts[i], seed, parts[i].name));
    held_out_lists.push_back(Take(held_out[i].lines, held_out_counts[i], seed, parts[i].name));
  }
  SHOAL_ASSIGN_OR_RETURN(const auto builder, DatasetBuilder::Create(folder));
  SHOAL_RETURN_IF_ERROR(AddInterleaved(train_lists, Side::kTrain, *builder));
  SHOAL_RETURN_IF_ERROR(AddInterleaved(held_out_lists, Side::kHeldOut, *builder));
  SHOAL_ASSIGN_OR_RETURN(result.data, builder->Finish(0));
  return result;
}

}  // namespace shoal::data
