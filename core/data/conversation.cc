#include "core/data/conversation.h"

#include <algorithm>
#include <array>

#include "core/base/strings.h"
#include "core/data/json_text.h"

namespace shoal::data {
namespace {

constexpr std::array<std::string_view, 3> kRoleNames = {"system", "user", "assistant"};
constexpr std::string_view kAssistantHead = "<|im_start|>assistant\n";

// Appends text as a segment of its own; joins it with the previous one when they are of a kind.
void AppendSegment(std::string_view text, bool markup, bool response, Example& example) {
  if (text.empty()) return;
  example.text += text;
  const auto end = static_cast<uint32_t>(example.text.size());
  std::vector<Segment>& segments = example.segments;
  if (!segments.empty() && segments.back().markup == markup &&
      segments.back().response == response) {
    segments.back().end = end;
  } else {
    segments.push_back({end, markup, response});
  }
}

void AppendMessage(const Message& message, Example& example) {
  const bool response = message.role == Role::kAssistant;
  const std::string_view separator = example.text.empty() ? "" : "\n";
  AppendSegment(StrCat(separator, kStartToken, RoleName(message.role), "\n"), true, false, example);
  AppendSegment(message.content, false, response, example);
  AppendSegment(kEndToken, true, response, example);
}

// What people said, a line for each message: the segments that are no markup. Text that brought its
// own markup (ExampleFromText) has none of these; there the messages are looked for, and where
// there are none it is all ordinary text.
std::string WordsOf(const Example& example, bool answers) {
  if (!example.chat) return example.text;
  std::string words;
  const auto add = [&](std::string_view text) {
    StrAppend(words, words.empty() ? "" : "\n", text);
  };
  uint32_t begin = 0;
  bool rendered = false;
  for (const Segment& segment : example.segments) {
    const std::string_view text = std::string_view(example.text).substr(begin, segment.end - begin);
    begin = segment.end;
    if (segment.markup) continue;
    rendered = true;
    if (answers || !segment.response) add(text);
  }
  if (rendered) return words;
  const std::vector<MessageView> messages = MessagesOf(example);
  if (messages.empty()) return example.text;
  for (const MessageView& message : messages) {
    if (answers || message.role != Role::kAssistant) add(message.content);
  }
  return words;
}

}  // namespace

std::string_view RoleName(Role role) { return kRoleNames[static_cast<size_t>(role)]; }

std::optional<Role> ParseRole(std::string_view name) {
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

Example RenderConversation(Conversation conversation) {
  Example example;
  for (const Message& message : conversation.messages) AppendMessage(message, example);
  example.topic = std::move(conversation.topic);
  example.chat = true;
  return example;
}

Example RenderPrompt(Conversation conversation) {
  Example example = RenderConversation(std::move(conversation));
  AppendSegment(StrCat(example.text.empty() ? "" : "\n", kAssistantHead), true, false, example);
  return example;
}

Example ExampleFromText(std::string text) {
  Example example;
  example.chat = text.find(kStartToken) != std::string::npos;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t head = rest.find(kAssistantHead);
    if (head == rest.npos) break;
    const size_t begin = head + kAssistantHead.size();
    const size_t close = rest.find(kEndToken, begin);
    const size_t end = close == rest.npos ? rest.size() : close + kEndToken.size();
    AppendSegment(rest.substr(0, begin), true, false, example);
    AppendSegment(rest.substr(begin, end - begin), true, true, example);
    rest.remove_prefix(end);
  }
  AppendSegment(rest, true, false, example);
  return example;
}

bool IsLabelled(const Example& example) {
  if (example.topic.empty() || example.segments.size() < 2) return false;
  // The rendered end of a labelled text: its label, then the markup that closes the turn.
  const Segment& close = example.segments.back();
  const Segment& label = example.segments[example.segments.size() - 2];
  const uint32_t begin =
      example.segments.size() < 3 ? 0 : example.segments[example.segments.size() - 3].end;
  return close.markup && !label.markup && label.response &&
         std::string_view(example.text).substr(begin, label.end - begin) == example.topic;
}

std::string LabelledText(const Example& example) { return WordsOf(example, /*answers=*/false); }

std::vector<MessageView> MessagesOf(const Example& example) {
  std::vector<MessageView> messages;
  std::string_view rest = example.text;
  for (size_t at; (at = rest.find(kStartToken)) != rest.npos;) {
    rest.remove_prefix(at + kStartToken.size());
    const size_t newline = std::min(rest.find('\n'), rest.size());
    const std::optional<Role> role = ParseRole(rest.substr(0, newline));
    if (!role.has_value()) continue;
    rest.remove_prefix(std::min(newline + 1, rest.size()));
    const size_t end = std::min(rest.find(kEndToken), rest.size());
    messages.push_back({*role, rest.substr(0, end)});
    rest.remove_prefix(end);
  }
  return messages;
}

void EncodeExample(const Example& example, Encoder& encoder, std::vector<int32_t>& tokens,
                   std::vector<uint8_t>& response) {
  tokens.clear();
  response.clear();
  if (example.segments.empty()) encoder.Append(example.text, tokens);
  size_t begin = 0;
  for (const Segment& segment : example.segments) {
    const std::string_view text = std::string_view(example.text).substr(begin, segment.end - begin);
    if (segment.markup) {
      encoder.Append(text, tokens);
    } else {
      encoder.AppendOrdinary(text, tokens);
    }
    response.resize(tokens.size(), segment.response ? 1 : 0);
    begin = segment.end;
  }
  response.resize(tokens.size(), 0);
}

void EncodeWhole(const Example& example, bool answers, const Tokenizer& tokenizer, Encoder& encoder,
                 std::vector<int32_t>& tokens) {
  tokens.clear();
  if (const auto cls = tokenizer.SpecialId(kClsToken)) tokens.push_back(*cls);
  encoder.AppendOrdinary(WordsOf(example, answers && !IsLabelled(example)), tokens);
  if (const auto sep = tokenizer.SpecialId(kSepToken)) tokens.push_back(*sep);
}

std::optional<int32_t> MaskTokenOf(const Tokenizer& tokenizer) {
  const auto mask = tokenizer.SpecialId(kMaskToken);
  return mask.has_value() ? mask : tokenizer.SpecialId("<mask>");
}

std::string ToJsonLine(const Conversation& conversation) {
  std::string line = "{\"messages\":[";
  std::string_view separator;
  for (const Message& message : conversation.messages) {
    StrAppend(line, separator, "{\"role\":\"", RoleName(message.role), "\",\"content\":");
    AppendJsonString(message.content, line);
    line += '}';
    separator = ",";
  }
  line += ']';
  if (!conversation.topic.empty()) {
    line += ",\"topic\":";
    AppendJsonString(conversation.topic, line);
  }
  line += '}';
  return line;
}

}  // namespace shoal::data
