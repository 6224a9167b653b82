// Personas: a character's conversations, generated from a readable YAML grammar.
//
// A persona has *topics*; a topic has prompt templates and response templates; templates contain
// *blanks* that are filled anew in every conversation (never once at load, which is how generators
// end up with ten answers to a topic). The grammar is described in personas/FORMAT.md:
//
//   {fish}          a filler of the blank `fish`; a second {fish} in the same conversation differs
//   {fish@1}        the same filler wherever {fish@1} stands in this conversation
//   {^fish}         with a capital first letter       {a fish}  with "a" or "an" before it
//   {red|{color}|}  one of the alternatives; may be empty, may hold blanks
//   {=few@1+few@2}  what numbered numbers add up to
//
// A topic may go on: its *follow-ups* are further turns, which share the numbered blanks.
//
// Conversation `index` is a pure function of (persona, seed, index) through Philox, so any part can
// be generated again, on any machine, in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/conversation.h"

namespace shoal::data {

// A compiled persona file. Immutable, thread-safe, cheap to copy.
class Persona {
 public:
  // Errors: NotFound; InvalidArgument listing every violation as file:line:column: what is wrong.
  static absl::StatusOr<Persona> Load(const std::string& path);
  static absl::StatusOr<Persona> FromYaml(std::string_view yaml, const std::string& name);

  const std::string& name() const;
  const std::string& about() const;
  std::vector<std::string> topics() const;

  // Requires index >= 0. User and assistant messages in turn, and the topic.
  Conversation Generate(uint64_t seed, int64_t index) const;

  struct Grammar;  // defined in persona_grammar.h
  const Grammar& grammar() const { return *grammar_; }

 private:
  explicit Persona(std::shared_ptr<const Grammar> grammar);
  std::shared_ptr<const Grammar> grammar_;  // shared by copies
};

struct TopicReport {
  std::string topic;
  int64_t conversations = 0;
  int64_t unique_prompts = 0;
  int64_t unique_responses = 0;
};

// Counted over both sides. The prompts of a conversation count as one, and so do its answers.
struct PersonaReport {
  int64_t conversations = 0;
  int64_t with_follow_ups = 0;  // of several turns
  int64_t unique_conversations = 0;
  int64_t unique_prompts = 0;
  int64_t unique_responses = 0;
  int64_t response_words_min = 0;  // of single answers
  int64_t response_words_max = 0;
  double response_words_mean = 0;
  int64_t generated = 0;              // indices 0..generated-1 were looked at
  int64_t left_out = 0;               // of them: too like a held-out conversation to train on
  int64_t prompts_also_in_train = 0;  // held-out prompts that training has too (with other answers)
  std::vector<TopicReport> topics;    // in the order of the file
};

struct PersonaData {
  std::vector<Conversation> train;     // in order of index
  std::vector<Conversation> held_out;  // in order of index
  PersonaReport report;
};

// Generates conversations 0..count-1 and keeps `held_out_fraction` of each topic apart. Training
// then never sees what generated a held-out answer, the same response template with the same
// fillers (whatever the prompt, numbers, starters and endings), nor a held-out answer, nor a near
// copy of a held-out conversation (near_copies.h, at kNearCopySimilarity): such conversations are
// left out and replaced by further ones, count, count+1, ..., at most 2 * count of them. Held out
// are derivations that are rare in their topic, as long as there are any. Errors: InvalidArgument
// (count < 1, fraction outside [0, 1)).
absl::StatusOr<PersonaData> GeneratePersona(const Persona& persona, int64_t count, uint64_t seed,
                                            double held_out_fraction = 0.05);

// Renders conversations for tokenization (RenderConversation of each).
std::vector<Example> RenderAll(const std::vector<Conversation>& conversations);

}  // namespace shoal::data
