#include "core/data/tokenizer/tokenizer_steps_json.h"

#include <utility>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/json_text.h"

namespace shoal::data {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;
using Behavior = PretokenizerStep::Behavior;

constexpr int kMaxDepth = 8;  // of sequences within sequences

constexpr std::pair<NormalizerStep::Kind, std::string_view> kNormalizers[] = {
    {NormalizerStep::Kind::kNfc, "NFC"},
    {NormalizerStep::Kind::kNfd, "NFD"},
    {NormalizerStep::Kind::kNfkc, "NFKC"},
    {NormalizerStep::Kind::kNfkd, "NFKD"},
    {NormalizerStep::Kind::kLowercase, "Lowercase"},
    {NormalizerStep::Kind::kStripAccents, "StripAccents"},
    {NormalizerStep::Kind::kStrip, "Strip"},
    {NormalizerStep::Kind::kPrepend, "Prepend"},
    {NormalizerStep::Kind::kReplace, "Replace"},
    {NormalizerStep::Kind::kBert, "BertNormalizer"},
};
constexpr std::pair<PretokenizerStep::Kind, std::string_view> kPretokenizers[] = {
    {PretokenizerStep::Kind::kSplit, "Split"},
    {PretokenizerStep::Kind::kDigits, "Digits"},
    {PretokenizerStep::Kind::kPunctuation, "Punctuation"},
    {PretokenizerStep::Kind::kWhitespaceSplit, "WhitespaceSplit"},
    {PretokenizerStep::Kind::kBert, "BertPreTokenizer"},
    {PretokenizerStep::Kind::kByteLevel, "ByteLevel"},
};
constexpr std::string_view kBehaviors[] = {"Removed", "Isolated", "MergedWithPrevious",
                                           "MergedWithNext", "Contiguous"};

template <typename Kind, size_t N>
std::string_view NameOf(const std::pair<Kind, std::string_view> (&names)[N], Kind kind) {
  for (const auto& [value, name] : names) {
    if (value == kind) return name;
  }
  return "";
}

// Every type that is not supported gets the same message.
template <typename Kind, size_t N>
absl::StatusOr<Kind> KindOf(const std::pair<Kind, std::string_view> (&names)[N],
                            std::string_view path, std::string_view type) {
  std::string known;
  for (const auto& [value, name] : names) {
    if (name == type) return value;
    StrAppend(known, known.empty() ? "" : ", ", name);
  }
  return BadMember(path, StrCat(type, " is not supported; supported: ", known, ", Sequence"));
}

absl::StatusOr<std::string> Text(const object& parent, std::string_view path,
                                 std::string_view key) {
  std::string_view text;
  if (parent[key].get(text) != simdjson::SUCCESS) {
    return BadMember(StrCat(path, ".", key), "expected a string");
  }
  return std::string(text);
}

absl::StatusOr<TextPattern> ReadPattern(const object& parent, std::string_view path) {
  object pattern;
  std::string_view text;
  if (parent["pattern"].get(pattern) == simdjson::SUCCESS && pattern.size() == 1) {
    if (pattern["String"].get(text) == simdjson::SUCCESS) return TextPattern{std::string(text)};
    if (pattern["Regex"].get(text) == simdjson::SUCCESS) {
      return TextPattern{std::string(text), true};
    }
  }
  return BadMember(StrCat(path, ".pattern"), "expected {\"String\": ...} or {\"Regex\": ...}");
}

absl::StatusOr<Behavior> ReadBehavior(const object& parent, std::string_view path) {
  std::string_view name;
  if (parent["behavior"].get(name) == simdjson::SUCCESS) {
    for (size_t i = 0; i < std::size(kBehaviors); ++i) {
      if (kBehaviors[i] == name) return static_cast<Behavior>(i);
    }
  }
  return BadMember(StrCat(path, ".behavior"),
                   StrCat("expected one of ", StrJoin(kBehaviors, ", ")));
}

absl::Status ReadBert(const object& json, std::string_view path, NormalizerStep& step) {
  SHOAL_ASSIGN_OR_RETURN(step.clean_text, BoolMember(json, path, "clean_text", true));
  SHOAL_ASSIGN_OR_RETURN(step.chinese, BoolMember(json, path, "handle_chinese_chars", true));
  SHOAL_ASSIGN_OR_RETURN(step.lowercase, BoolMember(json, path, "lowercase", true));
  // null: as lowercase.
  SHOAL_ASSIGN_OR_RETURN(step.strip_accents,
                         BoolMember(json, path, "strip_accents", step.lowercase));
  return absl::OkStatus();
}

absl::Status ReadStep(const object& json, std::string_view path, TokenizerParts& parts,
                      NormalizerStep*) {
  NormalizerStep step;
  const std::string type = TypeOfMember(json, "type");
  SHOAL_ASSIGN_OR_RETURN(step.kind, KindOf(kNormalizers, path, type));
  switch (step.kind) {
    case NormalizerStep::Kind::kStrip: {
      SHOAL_ASSIGN_OR_RETURN(step.strip_left, BoolMember(json, path, "strip_left", true));
      SHOAL_ASSIGN_OR_RETURN(step.strip_right, BoolMember(json, path, "strip_right", true));
      break;
    }
    case NormalizerStep::Kind::kPrepend: {
      SHOAL_ASSIGN_OR_RETURN(step.text, Text(json, path, "prepend"));
      break;
    }
    case NormalizerStep::Kind::kReplace: {
      SHOAL_ASSIGN_OR_RETURN(step.pattern, ReadPattern(json, path));
      SHOAL_ASSIGN_OR_RETURN(step.text, Text(json, path, "content"));
      break;
    }
    case NormalizerStep::Kind::kBert: {
      SHOAL_RETURN_IF_ERROR(ReadBert(json, path, step));
      break;
    }
    default:
      break;
  }
  parts.normalizers.push_back(std::move(step));
  return absl::OkStatus();
}

absl::Status ReadStep(const object& json, std::string_view path, TokenizerParts& parts,
                      PretokenizerStep*) {
  PretokenizerStep step;
  const std::string type = TypeOfMember(json, "type");
  SHOAL_ASSIGN_OR_RETURN(step.kind, KindOf(kPretokenizers, path, type));
  switch (step.kind) {
    case PretokenizerStep::Kind::kSplit: {
      SHOAL_ASSIGN_OR_RETURN(step.pattern, ReadPattern(json, path));
      SHOAL_ASSIGN_OR_RETURN(step.behavior, ReadBehavior(json, path));
      SHOAL_ASSIGN_OR_RETURN(step.invert, BoolMember(json, path, "invert", false));
      break;
    }
    case PretokenizerStep::Kind::kDigits: {
      SHOAL_ASSIGN_OR_RETURN(step.individual_digits,
                             BoolMember(json, path, "individual_digits", false));
      break;
    }
    case PretokenizerStep::Kind::kPunctuation: {
      if (!IsNullMember(json, "behavior")) {
        SHOAL_ASSIGN_OR_RETURN(step.behavior, ReadBehavior(json, path));
      }
      break;
    }
    case PretokenizerStep::Kind::kByteLevel: {
      SHOAL_ASSIGN_OR_RETURN(step.use_regex, BoolMember(json, path, "use_regex", true));
      SHOAL_ASSIGN_OR_RETURN(step.add_prefix_space,
                             BoolMember(json, path, "add_prefix_space", true));
      break;
    }
    default:
      break;
  }
  parts.pretokenizers.push_back(std::move(step));
  return absl::OkStatus();
}

// One step, or a Sequence of them in the member `list`.
template <typename Step>
absl::Status ReadSteps(const object& json, const std::string& path, const char* list, int depth,
                       TokenizerParts& parts) {
  if (TypeOfMember(json, "type") != "Sequence") {
    return ReadStep(json, path, parts, static_cast<Step*>(nullptr));
  }
  array steps;
  if (depth == kMaxDepth || json[list].get(steps) != simdjson::SUCCESS) {
    return BadMember(StrCat(path, ".", list), "expected an array, nested a few times at most");
  }
  size_t index = 0;
  for (const element item : steps) {
    const std::string item_path = StrCat(path, ".", list, "[", index++, "]");
    object step;
    if (item.get(step) != simdjson::SUCCESS) return BadMember(item_path, "expected an object");
    SHOAL_RETURN_IF_ERROR(ReadSteps<Step>(step, item_path, list, depth + 1, parts));
  }
  return absl::OkStatus();
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, out);
  return out;
}

std::string_view Bool(bool value) { return value ? "true" : "false"; }

std::string PatternJson(const TextPattern& pattern) {
  return StrCat("{\"", pattern.regex ? "Regex" : "String", "\": ", Quoted(pattern.text), "}");
}

std::string StepJson(const NormalizerStep& step) {
  const std::string head = StrCat("{\"type\": \"", NameOf(kNormalizers, step.kind), "\"");
  switch (step.kind) {
    case NormalizerStep::Kind::kStrip:
      return StrCat(head, ", \"strip_left\": ", Bool(step.strip_left),
                    ", \"strip_right\": ", Bool(step.strip_right), "}");
    case NormalizerStep::Kind::kPrepend:
      return StrCat(head, ", \"prepend\": ", Quoted(step.text), "}");
    case NormalizerStep::Kind::kReplace:
      return StrCat(head, ", \"pattern\": ", PatternJson(step.pattern),
                    ", \"content\": ", Quoted(step.text), "}");
    case NormalizerStep::Kind::kBert:
      return StrCat(head, ", \"clean_text\": ", Bool(step.clean_text),
                    ", \"handle_chinese_chars\": ", Bool(step.chinese),
                    ", \"strip_accents\": ", Bool(step.strip_accents),
                    ", \"lowercase\": ", Bool(step.lowercase), "}");
    default:
      return StrCat(head, "}");
  }
}

std::string StepJson(const PretokenizerStep& step) {
  const std::string head = StrCat("{\"type\": \"", NameOf(kPretokenizers, step.kind), "\"");
  const std::string_view behavior = kBehaviors[static_cast<size_t>(step.behavior)];
  switch (step.kind) {
    case PretokenizerStep::Kind::kSplit:
      return StrCat(head, ", \"pattern\": ", PatternJson(step.pattern), ", \"behavior\": \"",
                    behavior, "\", \"invert\": ", Bool(step.invert), "}");
    case PretokenizerStep::Kind::kDigits:
      return StrCat(head, ", \"individual_digits\": ", Bool(step.individual_digits), "}");
    case PretokenizerStep::Kind::kPunctuation:
      return StrCat(head, ", \"behavior\": \"", behavior, "\"}");
    case PretokenizerStep::Kind::kByteLevel:
      return StrCat(head, ", \"add_prefix_space\": ", Bool(step.add_prefix_space),
                    ", \"trim_offsets\": true, \"use_regex\": ", Bool(step.use_regex), "}");
    default:
      return StrCat(head, "}");
  }
}

template <typename Step>
std::string StepsJson(const std::vector<Step>& steps, std::string_view list) {
  if (steps.empty()) return "null";
  if (steps.size() == 1) return StepJson(steps[0]);
  std::string out = StrCat("{\"type\": \"Sequence\", \"", list, "\": [");
  std::string_view separator = "\n";
  for (const Step& step : steps) {
    StrAppend(out, separator, "    ", StepJson(step));
    separator = ",\n";
  }
  return out + "\n  ]}";
}

}  // namespace

absl::Status BadMember(std::string_view member, std::string_view what) {
  return absl::InvalidArgumentError(StrCat(member, ": ", what));
}

bool IsNullMember(const object& parent, std::string_view key) {
  element value;
  return parent[key].get(value) != simdjson::SUCCESS || value.is_null();
}

absl::StatusOr<bool> BoolMember(const object& parent, std::string_view path, std::string_view key,
                                bool otherwise) {
  if (IsNullMember(parent, key)) return otherwise;
  bool value = false;
  if (parent[key].get(value) != simdjson::SUCCESS) {
    return BadMember(StrCat(path, ".", key), "expected true or false");
  }
  return value;
}

std::string TypeOfMember(const object& parent, std::string_view key) {
  std::string_view type;
  return parent[key].get(type) == simdjson::SUCCESS ? std::string(type) : "(no type)";
}

absl::Status ReadNormalizer(const object& root, TokenizerParts& parts) {
  parts.normalizers.clear();
  if (IsNullMember(root, "normalizer")) return absl::OkStatus();
  object json;
  if (root["normalizer"].get(json) != simdjson::SUCCESS) {
    return BadMember("normalizer", "expected an object or null");
  }
  return ReadSteps<NormalizerStep>(json, "normalizer", "normalizers", 0, parts);
}

absl::Status ReadPretokenizer(const object& root, TokenizerParts& parts) {
  parts.pretokenizers.clear();
  if (IsNullMember(root, "pre_tokenizer")) return absl::OkStatus();
  object json;
  if (root["pre_tokenizer"].get(json) != simdjson::SUCCESS) {
    return BadMember("pre_tokenizer", "expected an object or null");
  }
  return ReadSteps<PretokenizerStep>(json, "pre_tokenizer", "pretokenizers", 0, parts);
}

absl::Status ReadDecoder(const object& root, TokenizerParts& parts) {
  if (IsNullMember(root, "decoder")) return absl::OkStatus();
  object json;
  if (root["decoder"].get(json) != simdjson::SUCCESS) {
    return BadMember("decoder", "expected an object or null");
  }
  const std::string type = TypeOfMember(json, "type");
  const std::string_view expected = parts.kind == ModelKind::kByteBpe   ? "ByteLevel"
                                    : parts.kind == ModelKind::kCharBpe ? "Fuse"
                                                                        : "WordPiece";
  if (type != expected) {
    return BadMember("decoder.type",
                     StrCat(type, " is not supported with this model, only ", expected, " is"));
  }
  if (parts.kind != ModelKind::kWordPiece) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(parts.cleanup, BoolMember(json, "decoder", "cleanup", true));
  std::string_view prefix = "##";
  if (!IsNullMember(json, "prefix") && json["prefix"].get(prefix) != simdjson::SUCCESS) {
    return BadMember("decoder.prefix", "expected a string");
  }
  if (prefix != parts.continuing_prefix) {
    return BadMember("decoder.prefix", StrCat("\"", prefix, "\", but the model's is \"",
                                              parts.continuing_prefix, "\""));
  }
  return absl::OkStatus();
}

std::string NormalizerJson(const TokenizerParts& parts) {
  return StepsJson(parts.normalizers, "normalizers");
}

std::string PretokenizerJson(const TokenizerParts& parts) {
  return StepsJson(parts.pretokenizers, "pretokenizers");
}

std::string DecoderJson(const TokenizerParts& parts) {
  if (parts.kind == ModelKind::kCharBpe) return "{\"type\": \"Fuse\"}";
  if (parts.kind == ModelKind::kByteBpe) {
    return "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, "
           "\"use_regex\": true}";
  }
  return StrCat("{\"type\": \"WordPiece\", \"prefix\": ", Quoted(parts.continuing_prefix),
                ", \"cleanup\": ", Bool(parts.cleanup), "}");
}

}  // namespace shoal::data
