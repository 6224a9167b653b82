// What a model learns from, before tokens: conversations, plain texts, and the chat format.
//
// The chat format (ChatML, as GuppyLM writes it):
//
//   <|im_start|>user\n...<|im_end|>\n<|im_start|>assistant\n...<|im_end|>
//
// A *response* token belongs to an assistant turn's content or is the <|im_end|> that closes it;
// these are the tokens a model is trained on when loss is on the response only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/tokenizer/tokenizer.h"

namespace shoal::data {

enum class Role { kSystem, kUser, kAssistant };
std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view name);

struct Message {
  Role role = Role::kUser;
  std::string content;
  bool operator==(const Message&) const = default;
};

struct Conversation {
  std::vector<Message> messages;
  std::string topic;  // may be empty
  bool operator==(const Conversation&) const = default;
};

// A stretch of an example's text that is encoded on its own.
struct Segment {
  uint32_t end = 0;     // in bytes; it begins where the previous one ends
  bool markup = false;  // special tokens are recognised here; false: message content, never special
  bool response = false;  // its tokens are response tokens
};

// One training example: text plus how to encode it.
struct Example {
  std::string text;
  std::vector<Segment> segments;  // cover the text; none means one plain segment with markup
  std::string topic;
  bool chat = false;  // a conversation: too long means truncated. Otherwise cut into windows.
  int64_t line = 0;   // where it begins in the file it came from, from 1; 0: from no file
};

// A message within an example's text.
struct MessageView {
  Role role = Role::kUser;
  std::string_view content;
};

// The messages of a conversation, found by their markup; of a plain text none. A message without an
// end goes to the end of the text. The views live as long as the example.
std::vector<MessageView> MessagesOf(const Example& example);

// Whether its last message, the assistant's, is its label (record.h); and what was labelled: the
// text of all other messages, a line each.
bool IsLabelled(const Example& example);
std::string LabelledText(const Example& example);

// Conversation -> example. Content that happens to contain "<|im_end|>" stays ordinary text.
Example RenderConversation(Conversation conversation);

// The start of an example that asks for an answer: all messages, then "<|im_start|>assistant\n".
Example RenderPrompt(Conversation conversation);

// Text that may already hold the markup (GuppyLM's `{"text": ...}` lines): finds the assistant
// turns. Without any "<|im_start|>" it is a plain example.
Example ExampleFromText(std::string text);

// Tokens of an example. `response[i]` is 1 for response tokens; the vectors are overwritten and
// have equal sizes.
void EncodeExample(const Example& example, Encoder& encoder, std::vector<int32_t>& tokens,
                   std::vector<uint8_t>& response);

// Tokens of an example's text for a model that sees whole sequences: what people said, without the
// chat markup, between [CLS] and [SEP] where the tokenizer has these. A labelled text's label is
// not part of it. `answers`: the assistant's words too, else the user's alone. `tokens` is
// overwritten.
void EncodeWhole(const Example& example, bool answers, const Tokenizer& tokenizer, Encoder& encoder,
                 std::vector<int32_t>& tokens);

// The token that stands for what is to be guessed: [MASK] (BERT) or <mask>; none where the
// vocabulary has neither.
std::optional<int32_t> MaskTokenOf(const Tokenizer& tokenizer);

// One JSONL line without the newline: {"messages":[{"role":...,"content":...},...],"topic":...}.
std::string ToJsonLine(const Conversation& conversation);

}  // namespace shoal::data
