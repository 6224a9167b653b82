// Reading tokenizer.json. Its members "normalizer", "pre_tokenizer" and "decoder" are read in
// tokenizer_steps_json.cc.
#include <simdjson.h>

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/byte_alphabet.h"
#include "core/data/tokenizer/tokenizer.h"
#include "core/data/tokenizer/tokenizer_steps_json.h"

namespace shoal::data {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr size_t kMaxFileBytes = size_t{64} << 20;
constexpr int64_t kMaxId = (int64_t{1} << 21) - 1;

absl::Status Bad(std::string_view member, std::string_view what) { return BadMember(member, what); }

// A member of the model that must be absent, null or empty.
absl::Status RefuseText(const object& model, std::string_view key) {
  std::string_view text;
  if (IsNullMember(model, key)) return absl::OkStatus();
  if (model[key].get(text) == simdjson::SUCCESS && text.empty()) return absl::OkStatus();
  return Bad(StrCat("model.", key), "is set, which is not supported: expected null");
}

// Which model, and its settings but for the vocabulary.
absl::Status ReadModelKind(const object& model, TokenizerParts& parts) {
  const std::string type =
      IsNullMember(model, "type") ? std::string("BPE") : TypeOfMember(model, "type");
  if (type == "WordPiece") {
    parts.kind = ModelKind::kWordPiece;
    std::string_view prefix = parts.continuing_prefix;
    if (!IsNullMember(model, "continuing_subword_prefix") &&
        model["continuing_subword_prefix"].get(prefix) != simdjson::SUCCESS) {
      return Bad("model.continuing_subword_prefix", "expected a string");
    }
    parts.continuing_prefix = std::string(prefix);
    int64_t longest = 100;
    if (!IsNullMember(model, "max_input_chars_per_word") &&
        (model["max_input_chars_per_word"].get(longest) != simdjson::SUCCESS || longest < 1 ||
         longest > kMaxId)) {
      return Bad("model.max_input_chars_per_word", "expected a positive number");
    }
    parts.max_word_chars = static_cast<int32_t>(longest);
    return absl::OkStatus();
  }
  if (type != "BPE") {
    return Bad("model.type", StrCat(type, " is not supported, only BPE and WordPiece are"));
  }
  const bool over_bytes = !parts.pretokenizers.empty() &&
                          parts.pretokenizers.back().kind == PretokenizerStep::Kind::kByteLevel;
  parts.kind = over_bytes ? ModelKind::kByteBpe : ModelKind::kCharBpe;
  SHOAL_RETURN_IF_ERROR(RefuseText(model, "continuing_subword_prefix"));
  SHOAL_RETURN_IF_ERROR(RefuseText(model, "end_of_word_suffix"));
  double dropout = 0;
  if (!IsNullMember(model, "dropout") &&
      (model["dropout"].get(dropout) != simdjson::SUCCESS || dropout != 0)) {
    return Bad("model.dropout", "is set, which is not supported: expected null");
  }
  SHOAL_ASSIGN_OR_RETURN(parts.fuse_unknown, BoolMember(model, "model", "fuse_unk", false));
  SHOAL_ASSIGN_OR_RETURN(parts.ignore_merges, BoolMember(model, "model", "ignore_merges", false));
  return absl::OkStatus();
}

// Grows the table to hold `id` and stores the bytes.
absl::Status PutToken(std::string_view key, int64_t id, TokenizerParts& parts) {
  const std::string path = StrCat("token \"", key.substr(0, 80), "\"");
  if (id < 0 || id > kMaxId) return Bad(path, StrCat("id ", id, " is outside 0..", kMaxId));
  if (key.empty()) return Bad(path, StrCat("is empty (id ", id, ")"));
  const auto index = static_cast<size_t>(id);
  if (index >= parts.tokens.size()) parts.tokens.resize(index + 1);
  if (parts.tokens[index].has_value()) return Bad(path, StrCat("id ", id, " is taken"));
  parts.tokens[index] = std::string(key);
  if (parts.kind != ModelKind::kByteBpe) return absl::OkStatus();
  // A token outside the byte alphabet stands for its own UTF-8, as in the Hugging Face decoder.
  if (std::optional<std::string> bytes = FromSymbols(key); bytes.has_value()) {
    parts.tokens[index] = *std::move(bytes);
  } else {
    parts.unreachable.push_back(static_cast<int32_t>(id));
  }
  return absl::OkStatus();
}

using IdOfKey = absl::flat_hash_map<std::string, int32_t>;

absl::StatusOr<IdOfKey> ReadVocab(const object& model, TokenizerParts& parts) {
  object vocab;
  if (model["vocab"].get(vocab) != simdjson::SUCCESS) {
    return Bad("model.vocab", "expected an object of token: id");
  }
  IdOfKey ids;
  for (const auto field : vocab) {
    int64_t id = -1;
    if (field.value.get(id) != simdjson::SUCCESS) {
      return Bad("model.vocab", StrCat("the id of \"", field.key, "\" is not an integer"));
    }
    SHOAL_RETURN_IF_ERROR(PutToken(field.key, id, parts), "model.vocab: ");
    if (!ids.emplace(std::string(field.key), static_cast<int32_t>(id)).second) {
      return Bad("model.vocab", StrCat("\"", field.key, "\" occurs twice"));
    }
  }
  return ids;
}

// One merge is "left right" or ["left", "right"].
bool SplitMerge(const element& merge, std::string_view* left, std::string_view* right) {
  std::string_view text;
  if (merge.get(text) == simdjson::SUCCESS) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      return false;
    }
    *left = text.substr(0, space);
    *right = text.substr(space + 1);
    return true;
  }
  array pair;
  return merge.get(pair) == simdjson::SUCCESS && pair.size() == 2 &&
         pair.at(0).get(*left) == simdjson::SUCCESS && pair.at(1).get(*right) == simdjson::SUCCESS;
}

absl::Status ReadMerges(const object& model, const IdOfKey& ids, TokenizerParts& parts) {
  array merges;
  if (model["merges"].get(merges) != simdjson::SUCCESS) {
    return Bad("model.merges", "expected an array");
  }
  parts.merges.reserve(merges.size());
  for (const element merge : merges) {
    const std::string path = StrCat("model.merges[", parts.merges.size(), "]");
    std::string_view left, right;
    if (!SplitMerge(merge, &left, &right)) {
      return Bad(path, "expected \"left right\" or [\"left\", \"right\"]");
    }
    const auto left_id = ids.find(AbslView(left));
    const auto right_id = ids.find(AbslView(right));
    if (left_id == ids.end() || right_id == ids.end()) {
      return Bad(path,
                 StrCat("\"", left_id == ids.end() ? left : right, "\" is not in model.vocab"));
    }
    parts.merges.emplace_back(left_id->second, right_id->second);
  }
  return absl::OkStatus();
}

absl::StatusOr<AddedToken> ReadAddedToken(const element& item, const std::string& path) {
  object token;
  std::string_view content;
  int64_t id = -1;
  if (item.get(token) != simdjson::SUCCESS || token["content"].get(content) != simdjson::SUCCESS ||
      token["id"].get(id) != simdjson::SUCCESS) {
    return Bad(path, "expected an object with id and content");
  }
  if (id < 0 || id > kMaxId) return Bad(path, StrCat("id ", id, " is outside 0..", kMaxId));
  if (content.empty()) return Bad(path, StrCat("is empty (id ", id, ")"));
  AddedToken added{.id = static_cast<int32_t>(id), .content = std::string(content)};
  SHOAL_ASSIGN_OR_RETURN(added.special, BoolMember(token, path, "special", true));
  SHOAL_ASSIGN_OR_RETURN(added.normalized, BoolMember(token, path, "normalized", !added.special));
  SHOAL_ASSIGN_OR_RETURN(added.lstrip, BoolMember(token, path, "lstrip", false));
  SHOAL_ASSIGN_OR_RETURN(added.rstrip, BoolMember(token, path, "rstrip", false));
  SHOAL_ASSIGN_OR_RETURN(added.single_word, BoolMember(token, path, "single_word", false));
  return added;
}

absl::Status ReadAddedTokens(const object& root, const IdOfKey& ids, TokenizerParts& parts) {
  if (IsNullMember(root, "added_tokens")) return absl::OkStatus();
  array added;
  if (root["added_tokens"].get(added) != simdjson::SUCCESS) {
    return Bad("added_tokens", "expected an array");
  }
  absl::flat_hash_set<int32_t> added_ids;
  for (const element item : added) {
    const std::string path = StrCat("added_tokens[", parts.added.size(), "]");
    SHOAL_ASSIGN_OR_RETURN(AddedToken token, ReadAddedToken(item, path));
    const auto in_vocab = ids.find(AbslView(token.content));
    token.in_model = in_vocab != ids.end();
    if (token.in_model && in_vocab->second != token.id) {
      return Bad(path, StrCat("id ", token.id, " but model.vocab says ", in_vocab->second));
    }
    const auto index = static_cast<size_t>(token.id);
    if (index >= parts.tokens.size()) parts.tokens.resize(index + 1);
    if (!token.in_model && parts.tokens[index].has_value()) {
      return Bad(path, StrCat("id ", token.id, " is taken"));
    }
    parts.tokens[index] = token.content;
    added_ids.insert(token.id);
    parts.added.push_back(std::move(token));
  }
  std::erase_if(parts.unreachable, [&](int32_t id) { return added_ids.contains(id); });
  std::sort(parts.unreachable.begin(), parts.unreachable.end());
  return absl::OkStatus();
}

// The unknown token by its name, and byte_fallback, which must have nothing to do.
absl::Status ReadUnknown(const object& model, const IdOfKey& ids, TokenizerParts& parts) {
  std::string_view name = parts.kind == ModelKind::kWordPiece ? "[UNK]" : "";
  if (!IsNullMember(model, "unk_token") && model["unk_token"].get(name) != simdjson::SUCCESS) {
    return Bad("model.unk_token", "expected a string or null");
  }
  if (!name.empty()) {
    const auto unknown = ids.find(AbslView(name));
    if (unknown == ids.end()) {
      return Bad("model.unk_token", StrCat("\"", name, "\" is not in model.vocab"));
    }
    parts.unknown = unknown->second;
  }
  if (parts.kind == ModelKind::kWordPiece) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(const bool fallback, BoolMember(model, "model", "byte_fallback", false));
  if (!fallback) return absl::OkStatus();
  bool complete = parts.kind == ModelKind::kByteBpe;
  for (int b = 0; b < 256 && complete; ++b) {
    complete = ids.contains(AbslView(SymbolOfByte(static_cast<uint8_t>(b))));
  }
  return complete
             ? absl::OkStatus()
             : Bad("model.byte_fallback", "true is not supported where the vocabulary lacks bytes");
}

}  // namespace

absl::StatusOr<Tokenizer> Tokenizer::FromJson(std::string_view json) {
  if (json.size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(
        StrCat(json.size(), " bytes; a tokenizer.json has at most ", kMaxFileBytes));
  }
  simdjson::dom::parser parser;
  element document;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return absl::InvalidArgumentError(StrCat("not JSON: ", simdjson::error_message(error),
                                             "; is the file whole? fetch or copy it again"));
  }
  object root, model;
  if (document.get(root) != simdjson::SUCCESS || root["model"].get(model) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("not a tokenizer.json: expected an object with \"model\"");
  }
  TokenizerParts parts;
  SHOAL_RETURN_IF_ERROR(ReadNormalizer(root, parts));
  SHOAL_RETURN_IF_ERROR(ReadPretokenizer(root, parts));
  SHOAL_RETURN_IF_ERROR(ReadModelKind(model, parts));
  SHOAL_RETURN_IF_ERROR(ReadDecoder(root, parts));
  SHOAL_ASSIGN_OR_RETURN(const IdOfKey ids, ReadVocab(model, parts));
  if (parts.kind != ModelKind::kWordPiece) SHOAL_RETURN_IF_ERROR(ReadMerges(model, ids, parts));
  SHOAL_RETURN_IF_ERROR(ReadAddedTokens(root, ids, parts));
  SHOAL_RETURN_IF_ERROR(ReadUnknown(model, ids, parts));
  return FromParts(std::move(parts));
}

absl::StatusOr<Tokenizer> Tokenizer::Load(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const std::string json, RealFileSystem().ReadFile(path));
  absl::StatusOr<Tokenizer> tokenizer = FromJson(json);
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), path);
  return tokenizer;
}

}  // namespace shoal::data
