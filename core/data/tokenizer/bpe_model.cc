// Byte pair encoding: a word's units (bytes, or characters) are merged by rank.
#include <algorithm>
#include <array>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/byte_alphabet.h"
#include "core/data/tokenizer/token_model.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

uint64_t PairKey(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

// Makes std::push_heap a queue that gives the lowest rank first, then the leftmost position.
bool Later(const ModelScratch::Candidate& a, const ModelScratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
}

std::string Quoted(std::string_view bytes) {
  return StrCat("\"", absl::CHexEscape(AbslView(bytes.substr(0, 80))), "\"");
}

class BpeModel final : public TokenModel {
 public:
  explicit BpeModel(const TokenizerParts& parts) : parts_(parts) {}

  absl::Status Index(const std::vector<uint8_t>& special) {
    SHOAL_RETURN_IF_ERROR(IndexTokens(special));
    return IndexMerges(special);
  }

  int64_t EncodeWord(std::string_view word, ModelScratch& scratch,
                     std::vector<int32_t>& out) const override;

 private:
  struct Merge {
    int32_t rank;
    int32_t result;
  };

  absl::Status IndexTokens(const std::vector<uint8_t>& special);
  absl::Status IndexMerges(const std::vector<uint8_t>& special);
  int64_t SplitIntoUnits(std::string_view word, ModelScratch& scratch) const;
  void PushCandidate(int32_t position, ModelScratch& scratch) const;

  // The bytes of the unit at the start of `word`.
  size_t UnitSize(std::string_view word) const {
    return parts_.kind == ModelKind::kByteBpe ? 1 : NextUtf8(word).bytes;
  }
  int32_t UnitId(std::string_view unit) const {  // -1: no token
    if (unit.size() == 1) return byte_id_[static_cast<uint8_t>(unit[0])];
    const auto it = id_of_text_.find(AbslView(unit));
    return it == id_of_text_.end() ? -1 : it->second;
  }

  const TokenizerParts& parts_;
  std::array<int32_t, 256> byte_id_{};  // of one-byte tokens; -1: none
  absl::flat_hash_map<uint64_t, Merge> merges_;
  absl::flat_hash_map<std::string, int32_t> id_of_text_;  // what ordinary text can reach
};

absl::Status BpeModel::IndexTokens(const std::vector<uint8_t>& special) {
  byte_id_.fill(-1);
  const auto add = [this](const std::string& text, int32_t id) -> absl::Status {
    if (text.empty()) return absl::InvalidArgumentError(StrCat("token ", id, " has no bytes"));
    const auto [existing, added] = id_of_text_.emplace(text, id);
    if (!added) {
      return absl::InvalidArgumentError(
          StrCat("tokens ", existing->second, " and ", id, " are both ", Quoted(text)));
    }
    if (text.size() == 1) byte_id_[static_cast<uint8_t>(text[0])] = id;
    return absl::OkStatus();
  };
  std::vector<uint8_t> left_out = special;
  for (const int32_t id : parts_.unreachable) left_out[static_cast<size_t>(id)] = 1;
  for (const AddedToken& token : parts_.added) {
    const auto id = static_cast<size_t>(token.id);
    if (left_out[id] != 0) continue;
    left_out[id] = 1;  // its entry is as written, not its bytes
    if (!token.in_model) continue;
    const std::optional<std::string> bytes = parts_.kind == ModelKind::kByteBpe
                                                 ? FromSymbols(token.content)
                                                 : std::optional<std::string>(token.content);
    if (bytes.has_value()) SHOAL_RETURN_IF_ERROR(add(*bytes, token.id));
  }
  id_of_text_.reserve(parts_.tokens.size());
  for (size_t i = 0; i < parts_.tokens.size(); ++i) {
    if (!parts_.tokens[i].has_value() || left_out[i] != 0) continue;
    SHOAL_RETURN_IF_ERROR(add(*parts_.tokens[i], static_cast<int32_t>(i)));
  }
  return absl::OkStatus();
}

absl::Status BpeModel::IndexMerges(const std::vector<uint8_t>& special) {
  merges_.reserve(parts_.merges.size());
  absl::flat_hash_map<std::string_view, int32_t> special_id;
  for (const AddedToken& token : parts_.added) {
    if (special[static_cast<size_t>(token.id)] != 0) special_id.emplace(token.content, token.id);
  }
  const auto size = static_cast<int32_t>(parts_.tokens.size());
  for (size_t rank = 0; rank < parts_.merges.size(); ++rank) {
    const auto [left, right] = parts_.merges[rank];
    for (const int32_t id : {left, right}) {
      if (id < 0 || id >= size || !parts_.tokens[static_cast<size_t>(id)].has_value()) {
        return absl::InvalidArgumentError(
            StrCat("merge ", rank, " uses id ", id, ", which is not in the vocabulary"));
      }
    }
    const std::string result = StrCat(*parts_.tokens[static_cast<size_t>(left)],
                                      *parts_.tokens[static_cast<size_t>(right)]);
    const auto token = id_of_text_.find(result);
    if (token == id_of_text_.end()) {
      // A result that is a special token must stay unreachable from ordinary text.
      if (special_id.contains(std::string_view(result))) continue;
      return absl::InvalidArgumentError(
          StrCat("merge ", rank, " gives ", Quoted(result), ", which is not in the vocabulary"));
    }
    if (!merges_.emplace(PairKey(left, right), Merge{static_cast<int32_t>(rank), token->second})
             .second) {
      return absl::InvalidArgumentError(
          StrCat("merge ", rank, " (", left, ", ", right, ") occurs twice"));
    }
  }
  return absl::OkStatus();
}

void BpeModel::PushCandidate(int32_t position, ModelScratch& scratch) const {
  if (position < 0) return;
  const ModelScratch::Symbol& left = scratch.symbols[static_cast<size_t>(position)];
  if (left.next < 0) return;
  const int32_t right = scratch.symbols[static_cast<size_t>(left.next)].id;
  const auto merge = merges_.find(PairKey(left.id, right));
  if (merge == merges_.end()) return;
  scratch.heap.push_back({merge->second.rank, position, merge->second.result});
  std::push_heap(scratch.heap.begin(), scratch.heap.end(), Later);
}

int64_t BpeModel::SplitIntoUnits(std::string_view word, ModelScratch& scratch) const {
  std::vector<ModelScratch::Symbol>& symbols = scratch.symbols;
  symbols.clear();
  int64_t lost = 0;
  bool unknown_before = false;
  while (!word.empty()) {
    const size_t bytes = UnitSize(word);
    const int32_t id = UnitId(word.substr(0, bytes));
    const auto n = static_cast<int32_t>(symbols.size());
    if (id >= 0) {
      symbols.push_back({id, n - 1, n + 1});
    } else {
      lost += static_cast<int64_t>(bytes);
      // Without an unknown token the unit is dropped: its neighbours become adjacent.
      if (parts_.unknown.has_value() && !(parts_.fuse_unknown && unknown_before)) {
        symbols.push_back({*parts_.unknown, n - 1, n + 1});
      }
    }
    unknown_before = id < 0;
    word.remove_prefix(bytes);
  }
  if (!symbols.empty()) symbols.back().next = -1;
  return lost;
}

int64_t BpeModel::EncodeWord(std::string_view word, ModelScratch& scratch,
                             std::vector<int32_t>& out) const {
  if (parts_.ignore_merges) {
    if (const auto whole = id_of_text_.find(AbslView(word)); whole != id_of_text_.end()) {
      out.push_back(whole->second);
      return 0;
    }
  }
  const int64_t lost = SplitIntoUnits(word, scratch);
  std::vector<ModelScratch::Symbol>& symbols = scratch.symbols;
  scratch.heap.clear();
  for (size_t i = 0; i + 1 < symbols.size(); ++i) PushCandidate(static_cast<int32_t>(i), scratch);

  while (!scratch.heap.empty()) {  // O(n log n) in the units of the word
    std::pop_heap(scratch.heap.begin(), scratch.heap.end(), Later);
    const ModelScratch::Candidate top = scratch.heap.back();
    scratch.heap.pop_back();
    ModelScratch::Symbol& left = symbols[static_cast<size_t>(top.position)];
    if (left.id < 0 || left.next < 0) continue;  // merged away, or now the last
    ModelScratch::Symbol& right = symbols[static_cast<size_t>(left.next)];
    const auto merge = merges_.find(PairKey(left.id, right.id));
    if (merge == merges_.end() || merge->second.result != top.result) continue;  // stale
    left.id = top.result;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = top.position;
    PushCandidate(left.previous, scratch);
    PushCandidate(top.position, scratch);
  }
  for (const ModelScratch::Symbol& symbol : symbols) {
    if (symbol.id >= 0) out.push_back(symbol.id);
  }
  return lost;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TokenModel>> MakeBpeModel(const TokenizerParts& parts,
                                                         const std::vector<uint8_t>& special) {
  auto model = std::make_unique<BpeModel>(parts);
  SHOAL_RETURN_IF_ERROR(model->Index(special));
  return model;
}

}  // namespace shoal::data
