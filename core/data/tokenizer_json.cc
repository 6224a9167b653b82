// Reading and writing tokenizer.json: the only place that knows its members.
#include <simdjson.h>

#include <algorithm>
#include <tuple>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/byte_alphabet.h"
#include "core/data/json_text.h"
#include "core/data/tokenizer.h"

namespace shoal::data {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr size_t kMaxFileBytes = size_t{64} << 20;
constexpr int64_t kMaxId = (int64_t{1} << 24) - 1;

absl::Status Bad(std::string_view member, std::string_view what) {
  return absl::InvalidArgumentError(StrCat(member, ": ", what));
}

bool IsNull(const object& parent, std::string_view key) {
  element value;
  return parent[key].get(value) != simdjson::SUCCESS || value.is_null();
}

// A bool member with a default; what is not a bool is an error.
absl::StatusOr<bool> Bool(const object& parent, std::string_view path, std::string_view key,
                          bool otherwise) {
  if (IsNull(parent, key)) return otherwise;
  bool value = false;
  if (parent[key].get(value) != simdjson::SUCCESS) {
    return Bad(StrCat(path, ".", key), "expected true or false");
  }
  return value;
}

std::string TypeOf(const object& parent, std::string_view key) {
  std::string_view type;
  return parent[key]["type"].get(type) == simdjson::SUCCESS ? std::string(type) : "(no type)";
}

absl::Status ReadPreTokenizer(const object& root, TokenizerParts& parts) {
  object pre;
  if (IsNull(root, "pre_tokenizer") || root["pre_tokenizer"].get(pre) != simdjson::SUCCESS) {
    return Bad("pre_tokenizer", "expected an object of type ByteLevel");
  }
  if (const std::string type = TypeOf(root, "pre_tokenizer"); type != "ByteLevel") {
    return Bad("pre_tokenizer.type", StrCat(type, " is not supported, only ByteLevel is"));
  }
  SHOAL_ASSIGN_OR_RETURN(const bool use_regex, Bool(pre, "pre_tokenizer", "use_regex", true));
  if (!use_regex) return Bad("pre_tokenizer.use_regex", "false is not supported");
  SHOAL_ASSIGN_OR_RETURN(parts.add_prefix_space,
                         Bool(pre, "pre_tokenizer", "add_prefix_space", true));
  return absl::OkStatus();
}

// Members that would change ids and that we do not implement.
absl::Status RefuseUnsupported(const object& root, const object& model) {
  if (!IsNull(root, "normalizer")) {
    return Bad("normalizer", StrCat(TypeOf(root, "normalizer"), " is not supported"));
  }
  if (!IsNull(root, "decoder")) {
    const std::string type = TypeOf(root, "decoder");
    if (type != "ByteLevel") {
      return Bad("decoder.type", StrCat(type, " is not supported, only ByteLevel is"));
    }
  }
  std::string_view type;
  if (model["type"].get(type) == simdjson::SUCCESS && type != "BPE") {
    return Bad("model.type", StrCat(type, " is not supported, only BPE is"));
  }
  for (const std::string_view key :
       {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
    std::string_view text;
    const bool empty =
        !IsNull(model, key) && model[key].get(text) == simdjson::SUCCESS && text.empty();
    if (!IsNull(model, key) && !empty) {
      return Bad(StrCat("model.", key), "is set, which is not supported: expected null");
    }
  }
  SHOAL_ASSIGN_OR_RETURN(const bool byte_fallback, Bool(model, "model", "byte_fallback", false));
  if (byte_fallback) return Bad("model.byte_fallback", "true is not supported");
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
  // A token outside the byte alphabet stands for its own UTF-8, as in the Hugging Face decoder.
  std::optional<std::string> bytes = FromSymbols(key);
  parts.tokens[index] = bytes.has_value() ? *std::move(bytes) : std::string(key);
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

absl::Status ReadAddedTokens(const object& root, const IdOfKey& ids, TokenizerParts& parts) {
  if (IsNull(root, "added_tokens")) return absl::OkStatus();
  array added;
  if (root["added_tokens"].get(added) != simdjson::SUCCESS) {
    return Bad("added_tokens", "expected an array");
  }
  for (const element item : added) {
    const std::string path = StrCat("added_tokens[", parts.specials.size(), "]");
    object token;
    std::string_view content;
    int64_t id = -1;
    if (item.get(token) != simdjson::SUCCESS ||
        token["content"].get(content) != simdjson::SUCCESS ||
        token["id"].get(id) != simdjson::SUCCESS) {
      return Bad(path, "expected an object with id and content");
    }
    for (const std::string_view key : {"single_word", "lstrip", "rstrip"}) {
      SHOAL_ASSIGN_OR_RETURN(const bool set, Bool(token, path, key, false));
      if (set) return Bad(StrCat(path, ".", key), "true is not supported");
    }
    const auto in_vocab = ids.find(AbslView(content));
    if (in_vocab != ids.end() && in_vocab->second != id) {
      return Bad(path, StrCat("id ", id, " but model.vocab says ", in_vocab->second));
    }
    if (in_vocab == ids.end()) SHOAL_RETURN_IF_ERROR(PutToken(content, id, parts), path, ": ");
    parts.specials.push_back({static_cast<int32_t>(id), std::string(content)});
  }
  return absl::OkStatus();
}

void AppendHead(const TokenizerParts& parts, std::string& out) {
  out += "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
  out += "  \"added_tokens\": [";
  std::string_view separator = "\n";
  for (const SpecialToken& token : parts.specials) {
    StrAppend(out, separator, "    {\"id\": ", token.id, ", \"content\": ");
    AppendJsonString(token.content, out);
    out +=
        ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, ";
    out += "\"special\": true}";
    separator = ",\n";
  }
  const std::string_view prefix = parts.add_prefix_space ? "true" : "false";
  out += "\n  ],\n  \"normalizer\": null,\n";
  StrAppend(out, "  \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": ", prefix,
            ", \"trim_offsets\": true, \"use_regex\": true},\n");
  out +=
      "  \"post_processor\": null,\n"
      "  \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": "
      "true, "
      "\"use_regex\": true},\n";
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
    return absl::InvalidArgumentError(StrCat("not JSON: ", simdjson::error_message(error)));
  }
  object root, model;
  if (document.get(root) != simdjson::SUCCESS || root["model"].get(model) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("not a tokenizer.json: expected an object with \"model\"");
  }
  TokenizerParts parts;
  SHOAL_RETURN_IF_ERROR(RefuseUnsupported(root, model));
  SHOAL_RETURN_IF_ERROR(ReadPreTokenizer(root, parts));
  SHOAL_ASSIGN_OR_RETURN(parts.ignore_merges, Bool(model, "model", "ignore_merges", false));
  SHOAL_ASSIGN_OR_RETURN(const IdOfKey ids, ReadVocab(model, parts));
  SHOAL_RETURN_IF_ERROR(ReadMerges(model, ids, parts));
  SHOAL_RETURN_IF_ERROR(ReadAddedTokens(root, ids, parts));
  return FromParts(std::move(parts));
}

absl::StatusOr<Tokenizer> Tokenizer::Load(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const std::string json, RealFileSystem().ReadFile(path));
  absl::StatusOr<Tokenizer> tokenizer = FromJson(json);
  if (!tokenizer.ok()) return Annotate(tokenizer.status(), path);
  return tokenizer;
}

std::string Tokenizer::ToJson() const {
  const TokenizerParts& p = parts();
  std::string out;
  out.reserve(p.tokens.size() * 48);
  AppendHead(p, out);
  out += "  \"model\": {\n    \"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, ";
  out += "\"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, \"fuse_unk\": false, ";
  StrAppend(out,
            "\"byte_fallback\": false, \"ignore_merges\": ", p.ignore_merges ? "true" : "false",
            ",\n    \"vocab\": {");
  const auto symbols = [&](int32_t id) {
    const std::string_view bytes = TokenBytes(id);
    return IsSpecial(id) ? std::string(bytes) : ToSymbols(bytes);
  };
  std::string_view separator = "\n";
  for (int32_t id = 0; id < vocab_size(); ++id) {
    if (TokenBytes(id).empty()) continue;
    StrAppend(out, separator, "      ");
    AppendJsonString(symbols(id), out);
    StrAppend(out, ": ", id);
    separator = ",\n";
  }
  out += "\n    },\n    \"merges\": [";
  separator = "\n";
  for (const auto& [left, right] : p.merges) {
    StrAppend(out, separator, "      [");
    AppendJsonString(symbols(left), out);
    out += ", ";
    AppendJsonString(symbols(right), out);
    out += "]";
    separator = ",\n";
  }
  out += "\n    ]\n  }\n}\n";
  return out;
}

absl::Status Tokenizer::Save(FileSystem& files, const std::string& path) const {
  return files.WriteFileAtomic(path, ToJson());
}

}  // namespace shoal::data
