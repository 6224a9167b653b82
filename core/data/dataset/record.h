// One record of training data in Shoal's own shape, and its line of JSON. What an import brings in
// and a data set holds is one of
//
//   {"messages":[{"role":"user","content":"..."},...],"topic":"..."}     a conversation
//   {"text":"...","label":"..."}                                        a labelled text
//   {"text":"..."}                                                      a text
//
// A labelled text trains a decoder as a conversation: the user says the text, the assistant answers
// with the label.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/data/conversation.h"

namespace shoal::data {

struct Record {
  enum class Kind { kText, kLabelled, kConversation };

  Kind kind = Kind::kText;
  std::string text;           // kText and kLabelled
  std::string label;          // kLabelled
  Conversation conversation;  // kConversation; its topic may be set for every kind

  bool operator==(const Record&) const = default;
};

// Bytes of what is written by people: the text, or the contents of all messages. No markup, no
// label.
int64_t TextBytes(const Record& record);
// The label or topic, by which a data set's examples are counted; may be empty.
const std::string& GroupOf(const Record& record);
// Nothing but white space in it: there is nothing to learn.
bool IsBlank(const Record& record);

// The canonical line, without the newline. Bytes that are not UTF-8 become U+FFFD.
std::string ToJsonLine(const Record& record);
// What training sees of it.
Example ToExample(Record record);

// Text with chat markup as the conversation that renders to exactly these bytes; nothing when there
// is none.
std::optional<Conversation> ConversationFromMarkup(std::string_view text);

// Names of the members that hold what; a name that is set must be there.
struct RecordFields {
  std::string text = "text";
  std::string label = "label";
  std::string prompt = "prompt";
  std::string response = "response";
  std::string topic;  // empty: "topic", or else "category"
};

// Reads one object: the canonical forms, and
//   {"prompt":...,"response":...}, {"input":...,"output":...}, {"instruction":...,"input":...,
//   "output":...} ("input" after an empty line, when there is one); a label that is a whole number.
// Errors: InvalidArgument with the reason alone ("\"text\" is not a string"). The names of members
// that play no part are added to `unused`, when it is given.
absl::StatusOr<Record> ParseRecord(std::string_view json, const RecordFields& fields = {},
                                   std::set<std::string>* unused = nullptr);

}  // namespace shoal::data
