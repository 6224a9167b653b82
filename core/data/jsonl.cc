#include <simdjson.h>

#include <limits>

#include "core/base/mapped_file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/text_source.h"

namespace shoal::data {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

// How one line is understood: an empty reason means that `example` is good.
struct Line {
  Example example;
  std::string reason;
};

bool Has(const object& line, std::string_view key) {
  element value;
  return line[key].get(value) == SUCCESS;
}

std::string ReadMessages(const object& line, Conversation& conversation) {
  array messages;
  if (line["messages"].get(messages) != SUCCESS) return "\"messages\" is not an array";
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

std::string ReadPair(const object& line, Conversation& conversation) {
  std::string_view prompt, response;
  if (line["prompt"].get(prompt) != SUCCESS) return "\"prompt\" is missing or not a string";
  if (line["response"].get(response) != SUCCESS) return "\"response\" is missing or not a string";
  conversation.messages = {{Role::kUser, std::string(prompt)},
                           {Role::kAssistant, std::string(response)}};
  return "";
}

Line ReadObject(const object& object_line) {
  Line line;
  std::string_view topic;
  if (object_line["topic"].get(topic) != SUCCESS) {
    if (object_line["category"].get(topic) != SUCCESS) topic = {};
  }
  if (Has(object_line, "text")) {
    std::string_view text;
    if (object_line["text"].get(text) != SUCCESS) {
      line.reason = "\"text\" is not a string";
    } else if (text.empty()) {
      line.reason = "\"text\" is empty";
    } else {
      line.example = ExampleFromText(std::string(text));
      line.example.topic = std::string(topic);
    }
    return line;
  }
  Conversation conversation{.messages = {}, .topic = std::string(topic)};
  if (Has(object_line, "messages")) {
    line.reason = ReadMessages(object_line, conversation);
  } else if (Has(object_line, "prompt") || Has(object_line, "response")) {
    line.reason = ReadPair(object_line, conversation);
  } else {
    line.reason = "has none of \"text\", \"prompt\" and \"response\", \"messages\"";
  }
  if (line.reason.empty()) line.example = RenderConversation(std::move(conversation));
  return line;
}

Line ReadLine(simdjson::dom::parser& parser, std::string_view text, const ReadOptions& options) {
  if (static_cast<int64_t>(text.size()) > options.max_line_bytes) {
    return {{}, StrCat("is ", text.size(), " bytes long; at most ", options.max_line_bytes)};
  }
  element document;
  if (const auto error = parser.parse(text.data(), text.size()).get(document)) {
    return {{}, StrCat("not JSON: ", simdjson::error_message(error))};
  }
  object line;
  if (document.get(line) != SUCCESS) return {{}, "is not a JSON object"};
  return ReadObject(line);
}

bool HasResponse(const Example& example) {
  for (const Segment& segment : example.segments) {
    if (segment.response) return true;
  }
  return false;
}

}  // namespace

std::string FormatProblems(const SourceReport& report) {
  std::string out;
  for (const LineProblem& p : report.problems) {
    StrAppend(out, p.file, ":", p.line, ": ", p.reason, "\n");
  }
  const auto listed = static_cast<int64_t>(report.problems.size());
  if (report.malformed_lines > listed) {
    StrAppend(out, "and ", report.malformed_lines - listed, " more malformed lines\n");
  }
  return out;
}

absl::StatusOr<Source> ParseJsonl(std::string_view text, const std::string& name,
                                  const ReadOptions& options) {
  Source source;
  SourceReport& report = source.report;
  report.bytes = static_cast<int64_t>(text.size());
  simdjson::dom::parser parser;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view raw = text.substr(0, newline);
    text.remove_prefix(newline == text.npos ? text.size() : newline + 1);
    ++report.lines;
    const std::string_view content = StripSpace(raw);
    if (content.empty()) {
      ++report.blank_lines;
      continue;
    }
    Line line = ReadLine(parser, content, options);
    if (!line.reason.empty()) {
      if (report.malformed_lines++ < options.max_problems) {
        report.problems.push_back({name, report.lines, std::move(line.reason)});
      }
      continue;
    }
    if (!HasResponse(line.example)) ++report.examples_without_response;
    line.example.line = report.lines;
    source.examples.push_back(std::move(line.example));
  }
  report.examples = static_cast<int64_t>(source.examples.size());
  if (source.examples.empty()) {
    return absl::InvalidArgumentError(StrCat(
        name, " has no usable line among ", report.lines,
        report.problems.empty() ? std::string(": it is empty")
                                : StrCat("; the first problem is in line ", report.problems[0].line,
                                         ": ", report.problems[0].reason)));
  }
  return source;
}

absl::StatusOr<Source> ReadJsonl(const std::string& path, const ReadOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParseJsonl(file.text(), path, options);
}

}  // namespace shoal::data
