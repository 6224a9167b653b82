#include "core/data/dataset/dataset_builder.h"

#include <algorithm>
#include <array>
#include <bit>
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

constexpr uint64_t kSplitSeed = 1;
constexpr size_t kWritePiece = 4 << 20;
constexpr std::array<std::string_view, 4> kKindNames = {"conversations", "labelled", "text",
                                                        "document"};

// What a record must not be separated from.
std::string_view TogetherText(const Record& record) {
  if (record.kind != Record::Kind::kConversation) return record.text;
  const std::vector<Message>& messages = record.conversation.messages;
  for (size_t i = messages.size(); i-- > 0;) {
    if (messages[i].role == Role::kAssistant) return messages[i].content;
  }
  return messages.back().content;
}

}  // namespace

std::string_view KindName(DatasetKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

void CountLengths(std::vector<uint32_t>& lengths, PartCounts& counts) {
  if (lengths.empty()) return;
  std::sort(lengths.begin(), lengths.end());
  const size_t last = lengths.size() - 1;
  counts.length_min = lengths.front();
  counts.length_median = lengths[last / 2];
  counts.length_p99 = lengths[last * 99 / 100];
  counts.length_max = lengths.back();
  for (const uint32_t length : lengths) {
    const auto bin = static_cast<size_t>(std::bit_width(std::max(length, 1u)) - 1);
    if (counts.length_counts.size() <= bin) counts.length_counts.resize(bin + 1);
    ++counts.length_counts[bin];
  }
}

absl::StatusOr<std::unique_ptr<DatasetBuilder>> DatasetBuilder::Create(const std::string& folder) {
  RealFileSystem files;
  const std::string path = JoinPath(folder, "records.jsonl");
  SHOAL_RETURN_IF_ERROR(files.RemoveFile(path));
  SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> spool, files.OpenAppend(path));
  return std::unique_ptr<DatasetBuilder>(new DatasetBuilder(folder, std::move(spool)));
}

absl::Status DatasetBuilder::Flush() {
  SHOAL_RETURN_IF_ERROR(spool_->Append(pending_));
  pending_.clear();
  return absl::OkStatus();
}

absl::Status DatasetBuilder::Add(const Record& record, Side side, std::string_view same_as) {
  const std::string line = ToJsonLine(record);
  if (items_.size() >= std::numeric_limits<uint32_t>::max() ||
      line.size() >= std::numeric_limits<uint32_t>::max()) {
    return absl::ResourceExhaustedError("a data set holds at most 4 billion examples of 4 GiB");
  }
  const std::string& group = GroupOf(record);
  const auto [found, added] = group_index_.try_emplace(group, static_cast<int32_t>(groups_.size()));
  if (added) groups_.push_back(group);
  Item item;
  item.together = ContentKey(same_as.empty() ? TogetherText(record) : same_as);
  item.content = ContentKey(line);
  item.offset = spooled_;
  item.line_bytes = static_cast<uint32_t>(line.size() + 1);
  item.text_bytes = static_cast<uint32_t>(TextBytes(record));
  item.group = found->second;
  item.side = side;
  item.kind = record.kind;
  items_.push_back(item);
  held_out_ += side == Side::kHeldOut ? 1 : 0;
  StrAppend(pending_, line, "\n");
  spooled_ += item.line_bytes;
  return pending_.size() < kWritePiece ? absl::OkStatus() : Flush();
}

DatasetKind DatasetBuilder::KindOfAll() const {
  bool labelled = true, chat = false;
  for (const Item& item : items_) {
    labelled &= item.kind == Record::Kind::kLabelled;
    chat |= item.kind != Record::Kind::kText;
  }
  if (labelled) return DatasetKind::kLabelled;
  return chat ? DatasetKind::kConversations : DatasetKind::kText;
}

// Sets the sides of the undecided; returns how many were held out. Sides chosen before are chosen
// anew.
int64_t DatasetBuilder::Choose(double fraction, bool by_content) {
  struct Together {
    uint64_t order;
    uint64_t key;
    std::vector<uint32_t> items;
  };
  const bool labelled = KindOfAll() == DatasetKind::kLabelled;
  absl::flat_hash_map<uint64_t, size_t> index;
  std::vector<Together> all;
  std::vector<int64_t> sizes(groups_.size(), 0);  // of the undecided, by label
  for (uint32_t i = 0; i < items_.size(); ++i) {
    if (items_[i].side != Side::kUndecided) continue;
    const uint64_t key = by_content ? items_[i].content : items_[i].together;
    const auto [found, added] = index.try_emplace(key, all.size());
    if (added)
      all.push_back({Random(kSplitSeed, PurposeOf(Purpose::kData, 2), key).NextU64(), key, {}});
    all[found->second].items.push_back(i);
    ++sizes[labelled ? static_cast<size_t>(items_[i].group) : 0];
  }
  std::vector<int64_t> room(sizes.size());
  for (size_t g = 0; g < sizes.size(); ++g) {
    room[g] = std::llround(fraction * static_cast<double>(sizes[g]));
  }
  std::sort(all.begin(), all.end(), [](const Together& a, const Together& b) {
    return a.order != b.order ? a.order < b.order : a.key < b.key;
  });
  int64_t chosen = 0;
  for (const Together& together : all) {
    std::map<size_t, int64_t> needs;
    for (const uint32_t i : together.items)
      ++needs[labelled ? static_cast<size_t>(items_[i].group) : 0];
    const bool fits = std::all_of(needs.begin(), needs.end(), [&](const auto& need) {
      return need.second <= room[need.first];
    });
    if (!fits) continue;
    for (const auto& [group, count] : needs) room[group] -= count;
    for (const uint32_t i : together.items) items_[i].side = Side::kHeldOut;
    chosen += static_cast<int64_t>(together.items.size());
  }
  return chosen;
}

void DatasetBuilder::Decide(double fraction, std::vector<std::string>& notes) {
  std::vector<uint32_t> undecided;
  for (uint32_t i = 0; i < items_.size(); ++i) {
    if (items_[i].side == Side::kUndecided) undecided.push_back(i);
  }
  if (undecided.empty()) return;
  const int64_t wanted = std::llround(fraction * static_cast<double>(undecided.size()));
  const bool conversations = KindOfAll() == DatasetKind::kConversations;
  if (Choose(fraction, false) < wanted / 2 && conversations) {
    for (const uint32_t i : undecided) items_[i].side = Side::kUndecided;
    Choose(fraction, true);
    notes.push_back(
        "many conversations end with the same answers, so that held-out conversations may share "
        "their answers with training (none shares all of its text)");
  }
  for (const uint32_t i : undecided) {
    if (items_[i].side == Side::kUndecided) items_[i].side = Side::kTrain;
  }
}

absl::StatusOr<std::string> DatasetBuilder::WriteSide(Side side, const std::string& name) {
  RealFileSystem files;
  const std::string path = JoinPath(folder_, name);
  SHOAL_RETURN_IF_ERROR(files.RemoveFile(path));
  SHOAL_ASSIGN_OR_RETURN(const MappedFile spool,
                         MappedFile::Open(JoinPath(folder_, "records.jsonl")));
  SHOAL_ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> out, files.OpenAppend(path));
  std::string piece;
  for (const Item& item : items_) {
    if (item.side != side) continue;
    piece += spool.text().substr(static_cast<size_t>(item.offset), item.line_bytes);
    if (piece.size() < kWritePiece) continue;
    SHOAL_RETURN_IF_ERROR(out->Append(piece));
    piece.clear();
  }
  SHOAL_RETURN_IF_ERROR(out->Append(piece));
  SHOAL_RETURN_IF_ERROR(out->Sync());
  return path;
}

PartCounts DatasetBuilder::Count(Side side) const {
  PartCounts counts;
  std::vector<uint32_t> lengths;
  absl::flat_hash_set<uint64_t> unique;
  std::vector<int64_t> groups(groups_.size(), 0);
  for (const Item& item : items_) {
    if (item.side != side) continue;
    lengths.push_back(item.text_bytes);
    counts.bytes += item.text_bytes;
    unique.insert(item.content);
    ++groups[static_cast<size_t>(item.group)];
  }
  counts.examples = static_cast<int64_t>(lengths.size());
  counts.unique_examples = static_cast<int64_t>(unique.size());
  CountLengths(lengths, counts);
  for (size_t g = 0; g < groups.size(); ++g) {
    if (groups[g] > 0) counts.groups[groups_[g]] = groups[g];
  }
  // A set without any topic has no groups to speak of.
  if (counts.groups.size() == 1 && counts.groups.contains("")) counts.groups.clear();
  return counts;
}

// Held-out examples that training has too.
int64_t DatasetBuilder::CopiesInBoth() const {
  absl::flat_hash_set<uint64_t> trained;
  for (const Item& item : items_) {
    if (item.side == Side::kTrain) trained.insert(item.content);
  }
  return std::count_if(items_.begin(), items_.end(), [&](const Item& item) {
    return item.side == Side::kHeldOut && trained.contains(item.content);
  });
}

absl::StatusOr<BuiltDataset> DatasetBuilder::Finish(double fraction) {
  if (!(fraction >= 0 && fraction < 1)) {
    return absl::InvalidArgumentError(
        StrCat("the share to hold out is ", fraction, ", expected 0 <= share < 1"));
  }
  SHOAL_RETURN_IF_ERROR(Flush());
  BuiltDataset built;
  Decide(fraction, built.notes);
  built.kind = KindOfAll();
  built.train = Count(Side::kTrain);
  built.held_out = Count(Side::kHeldOut);
  if (built.train.examples == 0) {
    return absl::InvalidArgumentError(StrCat("no example is left to train on, of ", items_.size()));
  }
  SHOAL_ASSIGN_OR_RETURN(built.train_path, WriteSide(Side::kTrain, "train.jsonl"));
  if (built.held_out.examples > 0) {
    SHOAL_ASSIGN_OR_RETURN(built.held_out_path, WriteSide(Side::kHeldOut, "held_out.jsonl"));
  } else if (fraction > 0) {
    built.notes.push_back(StrCat("nothing is held out: there are too few examples for ",
                                 fraction * 100, " % of each label"));
  }
  if (const int64_t copies = CopiesInBoth(); copies > 0) {
    built.notes.push_back(StrCat(copies, " of ", built.held_out.examples,
                                 " held-out examples are in training too, word for word: what is "
                                 "measured on them is partly learned by heart"));
  }
  if (built.kind == DatasetKind::kLabelled) {
    built.labels = groups_;
    std::sort(built.labels.begin(), built.labels.end());
  }
  return built;
}

}  // namespace shoal::data
