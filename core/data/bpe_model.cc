#include "core/data/bpe_model.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::data {
namespace {

constexpr int32_t kMaxVocabSize = 1 << 24;

uint64_t PairKey(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

// Makes std::push_heap a queue that gives the lowest rank first, then the leftmost position.
bool Later(const MergeScratch::Candidate& a, const MergeScratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.position > b.position;
}

std::string Quoted(std::string_view bytes) {
  return StrCat("\"", absl::CHexEscape(AbslView(bytes.substr(0, 80))), "\"");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Tokenizer::Model>> Tokenizer::Model::Build(
    TokenizerParts parts) {
  auto model = std::make_shared<Model>();
  model->parts = std::move(parts);
  SHOAL_RETURN_IF_ERROR(model->CheckAndIndexSpecials());
  SHOAL_RETURN_IF_ERROR(model->CheckAndIndexTokens());
  SHOAL_RETURN_IF_ERROR(model->CheckAndIndexMerges());
  return std::shared_ptr<const Model>(std::move(model));
}

absl::Status Tokenizer::Model::CheckAndIndexSpecials() {
  const size_t size = parts.tokens.size();
  if (size == 0) return absl::InvalidArgumentError("the vocabulary is empty");
  if (size > static_cast<size_t>(kMaxVocabSize)) {
    return absl::InvalidArgumentError(
        StrCat("the vocabulary has ids up to ", size - 1, "; at most ", kMaxVocabSize - 1));
  }
  special.assign(size, 0);
  absl::flat_hash_map<std::string_view, int32_t> seen;
  std::vector<std::string> contents;
  for (const SpecialToken& token : parts.specials) {
    if (token.content.empty()) {
      return absl::InvalidArgumentError(StrCat("special token ", token.id, " is empty"));
    }
    if (token.id < 0 || static_cast<size_t>(token.id) >= size) {
      return absl::InvalidArgumentError(StrCat("special token ", Quoted(token.content), " has id ",
                                               token.id, ", outside 0..", size - 1));
    }
    const auto id = static_cast<size_t>(token.id);
    if (!seen.emplace(token.content, token.id).second || special[id] != 0) {
      return absl::InvalidArgumentError(
          StrCat("special token ", Quoted(token.content), " or its id ", id, " occurs twice"));
    }
    special[id] = 1;
    parts.tokens[id] = token.content;
    contents.push_back(token.content);
  }
  matcher = SpecialMatcher(std::move(contents));
  return absl::OkStatus();
}

absl::Status Tokenizer::Model::CheckAndIndexTokens() {
  byte_id.fill(-1);
  id_of_bytes.reserve(parts.tokens.size());
  for (size_t i = 0; i < parts.tokens.size(); ++i) {
    if (!parts.tokens[i].has_value() || special[i] != 0) continue;
    const std::string& bytes = *parts.tokens[i];
    const auto id = static_cast<int32_t>(i);
    if (bytes.empty()) {
      return absl::InvalidArgumentError(StrCat("token ", id, " has no bytes"));
    }
    const auto [existing, added] = id_of_bytes.emplace(bytes, id);
    if (!added) {
      return absl::InvalidArgumentError(
          StrCat("tokens ", existing->second, " and ", id, " are both ", Quoted(bytes)));
    }
    if (bytes.size() == 1) byte_id[static_cast<uint8_t>(bytes[0])] = id;
  }
  return absl::OkStatus();
}

absl::Status Tokenizer::Model::CheckAndIndexMerges() {
  merges.reserve(parts.merges.size());
  const auto size = static_cast<int32_t>(parts.tokens.size());
  for (size_t rank = 0; rank < parts.merges.size(); ++rank) {
    const auto [left, right] = parts.merges[rank];
    for (const int32_t id : {left, right}) {
      if (id < 0 || id >= size || !parts.tokens[static_cast<size_t>(id)].has_value()) {
        return absl::InvalidArgumentError(
            StrCat("merge ", rank, " uses id ", id, ", which is not in the vocabulary"));
      }
    }
    const std::string result =
        StrCat(*parts.tokens[static_cast<size_t>(left)], *parts.tokens[static_cast<size_t>(right)]);
    const auto token = id_of_bytes.find(result);
    if (token == id_of_bytes.end()) {
      // A result that is a special token must stay unreachable from ordinary text.
      const bool is_special = std::any_of(parts.specials.begin(), parts.specials.end(),
                                          [&](const auto& s) { return s.content == result; });
      if (is_special) continue;
      return absl::InvalidArgumentError(
          StrCat("merge ", rank, " gives ", Quoted(result), ", which is not in the vocabulary"));
    }
    if (!merges.emplace(PairKey(left, right), Merge{static_cast<int32_t>(rank), token->second})
             .second) {
      return absl::InvalidArgumentError(
          StrCat("merge ", rank, " (", left, ", ", right, ") occurs twice"));
    }
  }
  return absl::OkStatus();
}

void Tokenizer::Model::PushCandidate(int32_t position, MergeScratch& scratch) const {
  if (position < 0) return;
  const MergeScratch::Symbol& left = scratch.symbols[static_cast<size_t>(position)];
  if (left.next < 0) return;
  const int32_t right = scratch.symbols[static_cast<size_t>(left.next)].id;
  const auto merge = merges.find(PairKey(left.id, right));
  if (merge == merges.end()) return;
  scratch.heap.push_back({merge->second.rank, position, merge->second.result});
  std::push_heap(scratch.heap.begin(), scratch.heap.end(), Later);
}

int64_t Tokenizer::Model::EncodeWord(std::string_view word, MergeScratch& scratch,
                                     std::vector<int32_t>& out) const {
  if (parts.ignore_merges) {
    if (const auto whole = id_of_bytes.find(AbslView(word)); whole != id_of_bytes.end()) {
      out.push_back(whole->second);
      return 0;
    }
  }
  std::vector<MergeScratch::Symbol>& symbols = scratch.symbols;
  symbols.clear();
  scratch.heap.clear();
  for (const char c :
       word) {  // bytes without a token are dropped: their neighbours become adjacent
    const int32_t id = byte_id[static_cast<uint8_t>(c)];
    const auto n = static_cast<int32_t>(symbols.size());
    if (id >= 0) symbols.push_back({id, n - 1, n + 1});
  }
  const int64_t dropped = static_cast<int64_t>(word.size() - symbols.size());
  if (symbols.empty()) return dropped;
  symbols.back().next = -1;
  for (size_t i = 0; i + 1 < symbols.size(); ++i) PushCandidate(static_cast<int32_t>(i), scratch);

  while (!scratch.heap.empty()) {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end(), Later);
    const MergeScratch::Candidate top = scratch.heap.back();
    scratch.heap.pop_back();
    MergeScratch::Symbol& left = symbols[static_cast<size_t>(top.position)];
    if (left.id < 0 || left.next < 0) continue;  // merged away, or now the last
    MergeScratch::Symbol& right = symbols[static_cast<size_t>(left.next)];
    const auto merge = merges.find(PairKey(left.id, right.id));
    if (merge == merges.end() || merge->second.result != top.result) continue;  // stale
    left.id = top.result;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = top.position;
    PushCandidate(left.previous, scratch);
    PushCandidate(top.position, scratch);
  }
  for (const MergeScratch::Symbol& symbol : symbols) {
    if (symbol.id >= 0) out.push_back(symbol.id);
  }
  return dropped;
}

}  // namespace shoal::data
