#include "core/data/dataset/record.h"

#include <simdjson.h>

#include "core/base/strings.h"
#include "core/data/dataset/record_json.h"
#include "core/data/json_text.h"

namespace shoal::data {

int64_t TextBytes(const Record& record) {
  if (record.kind != Record::Kind::kConversation) return static_cast<int64_t>(record.text.size());
  int64_t bytes = 0;
  for (const Message& message : record.conversation.messages) {
    bytes += static_cast<int64_t>(message.content.size());
  }
  return bytes;
}

const std::string& GroupOf(const Record& record) {
  return record.kind == Record::Kind::kLabelled ? record.label : record.conversation.topic;
}

bool IsBlank(const Record& record) {
  if (record.kind != Record::Kind::kConversation) return StripSpace(record.text).empty();
  for (const Message& message : record.conversation.messages) {
    if (!StripSpace(message.content).empty()) return false;
  }
  return true;
}

std::string ToJsonLine(const Record& record) {
  if (record.kind == Record::Kind::kConversation) return ToJsonLine(record.conversation);
  std::string line = "{\"text\":";
  AppendJsonString(record.text, line);
  if (record.kind == Record::Kind::kLabelled) {
    line += ",\"label\":";
    AppendJsonString(record.label, line);
  }
  if (!record.conversation.topic.empty()) {
    line += ",\"topic\":";
    AppendJsonString(record.conversation.topic, line);
  }
  line += '}';
  return line;
}

Example ToExample(Record record) {
  switch (record.kind) {
    case Record::Kind::kText:
      break;
    case Record::Kind::kConversation:
      return RenderConversation(std::move(record.conversation));
    case Record::Kind::kLabelled: {
      Example example = RenderConversation(
          {.messages = {{Role::kUser, std::move(record.text)}, {Role::kAssistant, record.label}},
           .topic = {}});
      example.topic = std::move(record.label);
      return example;
    }
  }
  Example example = ExampleFromText(std::move(record.text));
  example.topic = std::move(record.conversation.topic);
  return example;
}

std::optional<Conversation> ConversationFromMarkup(std::string_view text) {
  Conversation conversation;
  std::string_view rest = text;
  while (rest.starts_with(kStartToken)) {
    rest.remove_prefix(kStartToken.size());
    const size_t line = rest.find('\n');
    if (line == rest.npos) return std::nullopt;
    const std::optional<Role> role = ParseRole(rest.substr(0, line));
    const size_t end = rest.find(kEndToken, line + 1);
    if (!role || end == rest.npos) return std::nullopt;
    const std::string_view content = rest.substr(line + 1, end - line - 1);
    if (content.find(kStartToken) != content.npos) return std::nullopt;
    conversation.messages.push_back({*role, std::string(content)});
    rest.remove_prefix(end + kEndToken.size());
    if (rest.empty()) return conversation;
    if (rest.front() != '\n') return std::nullopt;
    rest.remove_prefix(1);
  }
  return std::nullopt;
}

absl::StatusOr<Record> ParseRecord(std::string_view json, const RecordFields& fields,
                                   std::set<std::string>* unused) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return absl::InvalidArgumentError(StrCat("not JSON: ", simdjson::error_message(error)));
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("is not a JSON object");
  }
  Record record;
  if (const std::string reason = ReadRecord(object, fields, record, unused); !reason.empty()) {
    return absl::InvalidArgumentError(reason);
  }
  return record;
}

}  // namespace shoal::data
