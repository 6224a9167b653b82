// Whole JSON documents: an array of records, FewRel, CLINC150.
#include <simdjson.h>

#include <array>
#include <map>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/dataset/record_json.h"
#include "core/data/import/import_json.h"
#include "core/data/import/import_sink.h"
#include "core/data/import/line_reader.h"

namespace shoal::data {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// --- an array of records

absl::Status ImportArray(const ImportFile& file, const ImportOptions& options, const array& records,
                         ImportSink& sink) {
  sink.Recognised(file, "a JSON array of records");
  const RecordFields fields = FieldsOf(options);
  int64_t number = 0;
  for (const element item : records) {
    ++number;
    object members;
    Record record;
    std::string reason = item.get(members) == SUCCESS
                             ? ReadRecord(members, fields, record, &sink.unused_members())
                             : "is not a JSON object";
    if (!reason.empty()) {
      sink.Malformed(file, number, std::move(reason));
      continue;
    }
    SHOAL_RETURN_IF_ERROR(sink.Add(file, number, std::move(record), file.side));
  }
  return absl::OkStatus();
}

// --- FewRel

struct Mention {
  int64_t first = 0;  // tokens, both inclusive
  int64_t last = 0;
};

// The positions of an entity, ["name", "Q1", [[26, 27], ...]]; empty when it is not that.
std::vector<Mention> ReadMentions(const element& entity, int64_t tokens) {
  array parts, lists;
  std::vector<Mention> mentions;
  if (entity.get(parts) != SUCCESS || parts.at(2).get(lists) != SUCCESS) return {};
  for (const element list : lists) {
    array positions;
    if (list.get(positions) != SUCCESS) return {};
    Mention mention{tokens, -1};
    for (const element position : positions) {
      int64_t at = 0;
      if (position.get(at) != SUCCESS || at < 0 || at >= tokens) return {};
      mention = {std::min(mention.first, at), std::max(mention.last, at)};
    }
    if (mention.last < 0) return {};
    mentions.push_back(mention);
  }
  return mentions;
}

struct MarkedSentence {
  std::string text;   // with the entities' marks
  std::string plain;  // without them
};

// Returns the reason why it is no sentence of FewRel; empty when `sentence` holds it.
std::string ReadSentence(const element& item, MarkedSentence& sentence) {
  object members;
  array tokens;
  if (item.get(members) != SUCCESS) return "is not an object";
  if (members["tokens"].get(tokens) != SUCCESS) return "has no \"tokens\" that is an array";
  const auto count = static_cast<int64_t>(tokens.size());
  const std::array<std::string_view, 2> keys = {"h", "t"};
  std::array<std::vector<Mention>, 2> mentions;
  for (size_t e = 0; e < keys.size(); ++e) {
    element entity;
    if (members.at_key(keys[e]).get(entity) == SUCCESS) mentions[e] = ReadMentions(entity, count);
    if (mentions[e].empty()) {
      return StrCat("\"", keys[e], "\" is not [name, id, [[positions of its ", count,
                    " tokens], ...]]");
    }
  }
  const auto append = [&](std::string_view word) {
    StrAppend(sentence.text, sentence.text.empty() ? "" : " ", word);
  };
  int64_t at = 0;
  for (const element token : tokens) {
    std::string_view word;
    if (token.get(word) != SUCCESS) return StrCat("tokens[", at, "] is not a string");
    word = StripSpace(word);
    for (size_t e = 0; e < keys.size(); ++e) {
      for (const Mention& mention : mentions[e]) {
        if (mention.first == at) append(e == 0 ? "[E1]" : "[E2]");
      }
    }
    if (!word.empty()) {
      append(word);
      StrAppend(sentence.plain, sentence.plain.empty() ? "" : " ", word);
    }
    for (size_t e = keys.size(); e-- > 0;) {
      for (const Mention& mention : mentions[e]) {
        if (mention.last == at) append(e == 0 ? "[/E1]" : "[/E2]");
      }
    }
    ++at;
  }
  return "";
}

// "P177" -> "crosses", from pid2name.json beside the file. A name that two relations of the set
// share gets its id behind it.
std::map<std::string, std::string> RelationNames(const std::string& path, const object& relations) {
  std::map<std::string, std::string> names;
  simdjson::dom::parser parser;
  object known;
  const bool found = parser.load(JoinPath(DirName(path), "pid2name.json")).get(known) == SUCCESS;
  std::map<std::string, int> uses;
  for (const auto& [id, sentences] : relations) {
    array texts;
    std::string_view name;
    if (!found || known.at_key(id).get(texts) != SUCCESS || texts.at(0).get(name) != SUCCESS) {
      name = id;
    }
    names[std::string(id)] = std::string(name);
    ++uses[std::string(name)];
  }
  for (auto& [id, name] : names) {
    if (uses[name] > 1) name = StrCat(name, " (", id, ")");
  }
  return names;
}

absl::Status ImportFewRel(const ImportFile& file, const object& relations, ImportSink& sink) {
  std::map<std::string, std::string> names = RelationNames(file.path, relations);
  sink.Recognised(file, StrCat("FewRel (", names.size(), " relations)"));
  int64_t number = 0;
  for (const auto& [id, value] : relations) {
    array sentences;
    if (value.get(sentences) != SUCCESS) {
      sink.Malformed(file, ++number, StrCat(id, " is not an array"));
      continue;
    }
    int64_t index = 0;
    for (const element item : sentences) {
      ++number;
      MarkedSentence sentence;
      const std::string reason = ReadSentence(item, sentence);
      if (!reason.empty()) {
        sink.Malformed(file, number, StrCat(id, "[", index++, "] ", reason));
        continue;
      }
      ++index;
      Record record;
      record.kind = Record::Kind::kLabelled;
      record.text = std::move(sentence.text);
      record.label = names[std::string(id)];
      SHOAL_RETURN_IF_ERROR(sink.Add(file, number, std::move(record), file.side, sentence.plain));
    }
  }
  return absl::OkStatus();
}

// --- CLINC150

absl::Status ImportClinc(const ImportFile& file, const object& parts, ImportSink& sink) {
  sink.Recognised(file, "CLINC150 (intents; out-of-scope is the label \"oos\")");
  element value;
  const bool has_held_out = parts.at_key("val").get(value) == SUCCESS;
  int64_t number = 0;
  for (const auto& [key, part] : parts) {
    array pairs;
    if (part.get(pairs) != SUCCESS) {
      sink.Malformed(file, ++number, StrCat("\"", key, "\" is not an array"));
      continue;
    }
    if (key.ends_with("test")) {
      sink.Note(StrCat(file.name, ": its part \"", key, "\" of ", pairs.size(),
                       " examples is kept for a last test and was not read"));
      continue;
    }
    const Side side = key.ends_with("val") ? Side::kHeldOut
                      : has_held_out       ? Side::kTrain
                                           : file.side;
    int64_t index = -1;
    for (const element item : pairs) {
      ++number;
      ++index;
      array pair;
      std::string_view text, label;
      if (item.get(pair) != SUCCESS || pair.size() != 2 || pair.at(0).get(text) != SUCCESS ||
          pair.at(1).get(label) != SUCCESS || StripSpace(label).empty()) {
        sink.Malformed(file, number, StrCat(key, "[", index, "] is not [\"text\", \"label\"]"));
        continue;
      }
      Record record;
      record.kind = Record::Kind::kLabelled;
      record.text = std::string(text);
      record.label = std::string(StripSpace(label));
      SHOAL_RETURN_IF_ERROR(sink.Add(file, number, std::move(record), side));
    }
  }
  return absl::OkStatus();
}

bool IsClinc(const object& document) {
  for (const std::string_view key : {"train", "val", "oos_train", "oos_val"}) {
    array pairs, pair;
    std::string_view text;
    if (document.at_key(key).get(pairs) == SUCCESS && pairs.at(0).get(pair) == SUCCESS &&
        pair.size() == 2 && pair.at(0).get(text) == SUCCESS) {
      return true;
    }
  }
  return false;
}

bool IsFewRel(const object& document) {
  for (const auto& [key, value] : document) {
    array sentences, tokens;
    object sentence;
    return value.get(sentences) == SUCCESS && sentences.at(0).get(sentence) == SUCCESS &&
           sentence["tokens"].get(tokens) == SUCCESS;
  }
  return false;
}

}  // namespace

std::optional<std::string> JsonDocumentFormat(std::string_view text) {
  simdjson::dom::parser parser;
  element document;
  object members;
  array records;
  if (parser.parse(text.data(), text.size()).get(document) != SUCCESS) return std::nullopt;
  if (document.get(records) == SUCCESS) return "json";
  if (document.get(members) != SUCCESS) return std::nullopt;
  if (IsClinc(members)) return "clinc150";
  if (IsFewRel(members)) return "fewrel";
  return "jsonl";
}

absl::Status ImportJsonDocument(const ImportFile& file, const ImportOptions& options,
                                std::string_view format, ImportSink& sink) {
  SHOAL_ASSIGN_OR_RETURN(std::string text, ReadWhole(file.path, kMaxJsonBytes));
  SHOAL_ASSIGN_OR_RETURN(const std::string_view json, SkipByteOrderMark(text), file.name);
  simdjson::dom::parser parser;
  element document;
  object members;
  array records;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return absl::InvalidArgumentError(
        StrCat(file.name, ": not JSON: ", simdjson::error_message(error)));
  }
  if (format == "json" && document.get(records) == SUCCESS) {
    return ImportArray(file, options, records, sink);
  }
  if (format == "fewrel" && document.get(members) == SUCCESS) {
    return ImportFewRel(file, members, sink);
  }
  if (format == "clinc150" && document.get(members) == SUCCESS) {
    return ImportClinc(file, members, sink);
  }
  return absl::InvalidArgumentError(StrCat(file.name, ": is JSON, but not of the format ", format));
}

}  // namespace shoal::data
