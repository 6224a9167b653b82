// Writing tokenizer.json: the canonical text, whose SHA-256 names the tokenizer.
#include <algorithm>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/json_text.h"
#include "core/data/tokenizer/byte_alphabet.h"
#include "core/data/tokenizer/tokenizer.h"
#include "core/data/tokenizer/tokenizer_steps_json.h"

namespace shoal::data {
namespace {

std::string_view Bool(bool value) { return value ? "true" : "false"; }

std::string OneLine(std::string_view json) {
  std::string line;
  for (const std::string_view part : StrSplit(json, '\n')) {
    const size_t indent = std::min(part.find_first_not_of(' '), part.size());
    StrAppend(line, line.empty() || line.ends_with('[') ? "" : " ", part.substr(indent));
  }
  return line;
}

void AppendHead(const TokenizerParts& parts, std::string& out) {
  out += "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
  out += "  \"added_tokens\": [";
  std::string_view separator = "\n";
  for (const AddedToken& token : parts.added) {
    StrAppend(out, separator, "    {\"id\": ", token.id, ", \"content\": ");
    AppendJsonString(token.content, out);
    StrAppend(out, ", \"single_word\": ", Bool(token.single_word),
              ", \"lstrip\": ", Bool(token.lstrip), ", \"rstrip\": ", Bool(token.rstrip),
              ", \"normalized\": ", Bool(token.normalized), ", \"special\": ", Bool(token.special),
              "}");
    separator = ",\n";
  }
  StrAppend(out, "\n  ],\n  \"normalizer\": ", NormalizerJson(parts),
            ",\n  \"pre_tokenizer\": ", PretokenizerJson(parts),
            ",\n  \"post_processor\": null,\n  \"decoder\": ", DecoderJson(parts), ",\n");
}

// The vocabulary's entries as written.
class Entries {
 public:
  explicit Entries(const TokenizerParts& parts) : parts_(parts), state_(parts.tokens.size()) {
    for (const AddedToken& token : parts.added) {
      state_[static_cast<size_t>(token.id)] = token.in_model ? kAsWritten : kLeftOut;
    }
    for (const int32_t id : parts.unreachable) state_[static_cast<size_t>(id)] = kAsWritten;
  }

  bool Has(size_t id) const { return parts_.tokens[id].has_value() && state_[id] != kLeftOut; }
  std::string Of(size_t id) const {
    const bool symbols = parts_.kind == ModelKind::kByteBpe && state_[id] != kAsWritten;
    return symbols ? ToSymbols(*parts_.tokens[id]) : *parts_.tokens[id];
  }

 private:
  enum State : uint8_t { kByKind, kAsWritten, kLeftOut };
  const TokenizerParts& parts_;
  std::vector<State> state_;
};

void AppendUnknown(const TokenizerParts& parts, const Entries& entries, std::string& out) {
  out += "\"unk_token\": ";
  if (parts.unknown.has_value()) {
    AppendJsonString(entries.Of(static_cast<size_t>(*parts.unknown)), out);
  } else {
    out += "null";
  }
}

void AppendVocab(const Entries& entries, size_t size, std::string& out) {
  out += ",\n    \"vocab\": {";
  std::string_view separator = "\n";
  for (size_t id = 0; id < size; ++id) {
    if (!entries.Has(id)) continue;
    StrAppend(out, separator, "      ");
    AppendJsonString(entries.Of(id), out);
    StrAppend(out, ": ", id);
    separator = ",\n";
  }
  out += "\n    }";
}

void AppendMerges(const TokenizerParts& parts, const Entries& entries, std::string& out) {
  out += ",\n    \"merges\": [";
  std::string_view separator = "\n";
  for (const auto& [left, right] : parts.merges) {
    StrAppend(out, separator, "      [");
    AppendJsonString(entries.Of(static_cast<size_t>(left)), out);
    out += ", ";
    AppendJsonString(entries.Of(static_cast<size_t>(right)), out);
    out += "]";
    separator = ",\n";
  }
  out += "\n    ]";
}

}  // namespace

std::string Tokenizer::ToJson() const {
  const TokenizerParts& p = parts();
  const Entries entries(p);
  std::string out;
  out.reserve(p.tokens.size() * 48);
  AppendHead(p, out);
  out += "  \"model\": {\n    \"type\": ";
  if (p.kind == ModelKind::kWordPiece) {
    out += "\"WordPiece\", ";
    AppendUnknown(p, entries, out);
    out += ", \"continuing_subword_prefix\": ";
    AppendJsonString(p.continuing_prefix, out);
    StrAppend(out, ", \"max_input_chars_per_word\": ", p.max_word_chars);
    AppendVocab(entries, p.tokens.size(), out);
  } else {
    out += "\"BPE\", \"dropout\": null, ";
    AppendUnknown(p, entries, out);
    StrAppend(out, ", \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, ",
              "\"fuse_unk\": ", Bool(p.fuse_unknown),
              ", \"byte_fallback\": false, \"ignore_merges\": ", Bool(p.ignore_merges));
    AppendVocab(entries, p.tokens.size(), out);
    AppendMerges(p, entries, out);
  }
  out += "\n  }\n}\n";
  return out;
}

std::string Tokenizer::NormalizerText() const { return OneLine(NormalizerJson(parts())); }
std::string Tokenizer::PretokenizerText() const { return OneLine(PretokenizerJson(parts())); }

absl::Status Tokenizer::Save(FileSystem& files, const std::string& path) const {
  return files.WriteFileAtomic(path, ToJson());
}

}  // namespace shoal::data
