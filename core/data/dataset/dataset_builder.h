// Makes the files of a data set from records: decides which are held out, writes both sides, counts
// what they hold. Memory is bounded by some 40 bytes a record: lines go through a file.
//
//   SHOAL_ASSIGN_OR_RETURN(auto builder, DatasetBuilder::Create(folder));
//   SHOAL_RETURN_IF_ERROR(builder->Add(record, Side::kUndecided));
//   SHOAL_ASSIGN_OR_RETURN(BuiltDataset built, builder->Finish(0.1));
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/base/file.h"
#include "core/data/dataset/record.h"

namespace shoal::data {

enum class DatasetKind { kConversations, kLabelled, kText, kDocument };
std::string_view KindName(DatasetKind kind);  // "conversations", "labelled", "text", "document"

// What one side holds. Lengths are in bytes of text, without markup.
struct PartCounts {
  int64_t examples = 0;
  int64_t bytes = 0;
  int64_t unique_examples = 0;
  std::map<std::string, int64_t> groups;  // examples by label, or by topic; those without: ""
  std::vector<int64_t> length_counts;     // [i]: 2^i .. 2^(i+1)-1 bytes; [0] also empty ones
  int64_t length_min = 0;
  int64_t length_median = 0;
  int64_t length_p99 = 0;
  int64_t length_max = 0;
};

struct BuiltDataset {
  DatasetKind kind = DatasetKind::kText;
  std::string train_path;
  std::string held_out_path;  // empty: nothing is held out
  PartCounts train;
  PartCounts held_out;
  std::vector<std::string> labels;  // of a labelled set, sorted
  std::vector<std::string> notes;   // what a person should know about the split
};

enum class Side { kTrain, kHeldOut, kUndecided };

// Counts as BuiltDataset has them, from lengths. `lengths` is sorted here.
void CountLengths(std::vector<uint32_t>& lengths, PartCounts& counts);

// Thread-compatible.
class DatasetBuilder {
 public:
  // Writes into `folder`, which exists and is the caller's. Errors: those of writing.
  static absl::StatusOr<std::unique_ptr<DatasetBuilder>> Create(const std::string& folder);

  // `same_as` names what the example must not be separated from; without it that is the text of a
  // labelled or plain example, and a conversation's last answer. Errors: those of writing.
  absl::Status Add(const Record& record, Side side, std::string_view same_as = {});

  int64_t size() const { return static_cast<int64_t>(items_.size()); }
  bool has_held_out() const { return held_out_ > 0; }

  // Holds `fraction` of the undecided examples out, of each label the same share (rounded); copies
  // stay together. Where whole groups of equal answers are too large for that, conversations are
  // told apart by all of their text instead, with a note. The same records in any order give the
  // same sides; each side keeps the order of coming. Writes <folder>/train.jsonl and
  // held_out.jsonl. Errors: InvalidArgument (no example is left to train on; fraction outside
  // [0, 1)); those of writing.
  absl::StatusOr<BuiltDataset> Finish(double fraction);

 private:
  struct Item {
    uint64_t together;  // items with equal keys stay on one side
    uint64_t content;   // equal keys: equal examples
    int64_t offset;     // of its line in the spool
    uint32_t line_bytes;
    uint32_t text_bytes;
    int32_t group;  // index of its label or topic
    Side side;
    Record::Kind kind;
  };

  DatasetBuilder(std::string folder, std::unique_ptr<AppendFile> spool)
      : folder_(std::move(folder)), spool_(std::move(spool)) {}

  absl::Status Flush();
  void Decide(double fraction, std::vector<std::string>& notes);
  int64_t Choose(double fraction, bool by_content);
  DatasetKind KindOfAll() const;
  absl::StatusOr<std::string> WriteSide(Side side, const std::string& name);
  PartCounts Count(Side side) const;
  int64_t CopiesInBoth() const;

  const std::string folder_;
  const std::unique_ptr<AppendFile> spool_;
  std::string pending_;  // lines not yet in the spool
  int64_t spooled_ = 0;  // bytes given to the spool, pending ones included
  int64_t held_out_ = 0;
  std::vector<Item> items_;
  std::vector<std::string> groups_;
  absl::flat_hash_map<std::string, int32_t> group_index_;
};

}  // namespace shoal::data
