#include "core/data/dataset/record_json.h"

#include <array>

#include "core/base/strings.h"

namespace shoal::data {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// A member by its name as it is: a name with a slash is no path here.
bool Find(const object& from, std::string_view key, element& value) {
  return from.at_key(key).get(value) == SUCCESS;
}
bool Has(const object& from, std::string_view key) {
  element value;
  return !key.empty() && Find(from, key, value);
}

// The reason why the member is not a text; empty when `text` holds it.
std::string ReadText(const object& from, std::string_view key, std::string& text) {
  element value;
  if (!Find(from, key, value)) return StrCat("\"", key, "\" is missing");
  std::string_view view;
  if (value.get(view) != SUCCESS) return StrCat("\"", key, "\" is not a string");
  text = std::string(view);
  return "";
}

std::string ReadLabel(const object& from, std::string_view key, std::string& label) {
  element value;
  if (!Find(from, key, value)) return StrCat("\"", key, "\" is missing");
  int64_t number = 0;
  std::string_view view;
  if (value.get(view) == SUCCESS) {
    label = std::string(StripSpace(view));
  } else if (value.get(number) == SUCCESS) {
    label = StrCat(number);
  } else {
    return StrCat("\"", key, "\" is neither a string nor a whole number");
  }
  return label.empty() ? StrCat("\"", key, "\" is empty") : "";
}

std::string ReadMessages(const object& from, Conversation& conversation) {
  array messages;
  if (from["messages"].get(messages) != SUCCESS) return "\"messages\" is not an array";
  for (const element item : messages) {
    const std::string path = StrCat("messages[", conversation.messages.size(), "]");
    object message;
    std::string_view role_name, content;
    if (item.get(message) != SUCCESS) return StrCat(path, " is not an object");
    if (message["role"].get(role_name) != SUCCESS) {
      return StrCat(path, " has no \"role\" that is a string");
    }
    if (message["content"].get(content) != SUCCESS) {
      return StrCat(path, " has no \"content\" that is a string");
    }
    const std::optional<Role> role = ParseRole(role_name);
    if (!role.has_value()) {
      return StrCat(path, ": role is \"", role_name, "\", expected system, user or assistant");
    }
    conversation.messages.push_back({*role, std::string(content)});
  }
  return conversation.messages.empty() ? "\"messages\" is empty" : "";
}

std::string ReadPair(const object& from, std::string_view prompt_key, std::string_view response_key,
                     Conversation& conversation) {
  std::string prompt, response;
  if (std::string reason = ReadText(from, prompt_key, prompt); !reason.empty()) return reason;
  if (std::string reason = ReadText(from, response_key, response); !reason.empty()) return reason;
  conversation.messages = {{Role::kUser, std::move(prompt)},
                           {Role::kAssistant, std::move(response)}};
  return "";
}

// {"instruction","input","output"}, where the input may be left out or empty.
std::string ReadInstruction(const object& from, Conversation& conversation) {
  std::string reason = ReadPair(from, "instruction", "output", conversation);
  if (!reason.empty() || !Has(from, "input")) return reason;
  std::string input;
  if (reason = ReadText(from, "input", input); !reason.empty()) return reason;
  if (!input.empty()) StrAppend(conversation.messages[0].content, "\n\n", input);
  return "";
}

std::string ReadTopic(const object& from, const RecordFields& fields, std::string& topic) {
  if (!fields.topic.empty()) return ReadLabel(from, fields.topic, topic);
  for (const std::string_view key : {"topic", "category"}) {
    std::string_view view;
    if (from.at_key(key).get(view) != SUCCESS) continue;
    topic = std::string(view);
    return "";
  }
  return "";
}

void NoteUnused(const object& from, const RecordFields& fields, std::set<std::string>& unused) {
  const std::array<std::string_view, 11> used = {
      fields.text, fields.label,  fields.prompt, fields.response, fields.topic, "messages",
      "topic",     "instruction", "input",       "output",        "category"};
  for (const auto& member : from) {
    if (std::find(used.begin(), used.end(), member.key) == used.end() && unused.size() < 100) {
      unused.insert(std::string(member.key));
    }
  }
}

}  // namespace

std::string ReadRecord(const object& from, const RecordFields& fields, Record& record,
                       std::set<std::string>* unused) {
  record = Record();
  std::string topic;
  if (std::string reason = ReadTopic(from, fields, topic); !reason.empty()) return reason;
  if (unused != nullptr) NoteUnused(from, fields, *unused);
  Conversation& conversation = record.conversation;
  conversation.topic = std::move(topic);
  if (Has(from, fields.text)) {
    if (std::string reason = ReadText(from, fields.text, record.text); !reason.empty()) {
      return reason;
    }
    if (Has(from, fields.label)) {
      record.kind = Record::Kind::kLabelled;
      return ReadLabel(from, fields.label, record.label);
    }
    return "";
  }
  record.kind = Record::Kind::kConversation;
  if (Has(from, "messages")) return ReadMessages(from, conversation);
  if (Has(from, fields.prompt) || Has(from, fields.response)) {
    return ReadPair(from, fields.prompt, fields.response, conversation);
  }
  if (Has(from, "instruction")) return ReadInstruction(from, conversation);
  if (Has(from, "input") && Has(from, "output")) {
    return ReadPair(from, "input", "output", conversation);
  }
  return StrCat("has none of \"", fields.text, "\", \"", fields.prompt, "\" and \"",
                fields.response, "\", \"messages\"");
}

}  // namespace shoal::data
