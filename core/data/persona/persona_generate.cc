// Conversations: the sampling half of personas.
#include <utility>

#include "absl/strings/ascii.h"
#include "core/base/random.h"
#include "core/data/persona/persona_grammar.h"
#include "core/data/persona/persona_writer.h"

namespace shoal::data {
namespace {

size_t PickTopic(const Persona::Grammar& grammar, Random& random) {
  double at = random.UniformDouble() * grammar.total_weight;
  for (size_t i = 0; i < grammar.topics.size(); ++i) {
    at -= grammar.topics[i].weight;
    if (at < 0) return i;
  }
  return grammar.topics.size() - 1;
}

// How one person types: without capitals or a full stop, and sometimes shouting.
struct Typing {
  double letters = 1;
  bool drop_ending = false;
};

void Type(const PromptStyle& style, const Typing& typing, std::string& prompt) {
  if (typing.letters < style.lower) {
    absl::AsciiStrToLower(&prompt);
  } else if (typing.letters < style.lower + style.upper) {
    absl::AsciiStrToUpper(&prompt);
  }
  while (typing.drop_ending && prompt.size() > 1 &&
         std::string_view(".!? ").find(prompt.back()) != std::string_view::npos) {
    prompt.pop_back();
  }
}

// Writes the turns of one conversation.
class Speaker {
 public:
  Speaker(const Persona::Grammar& grammar, uint64_t seed, int64_t index, Derivation* derivation)
      : grammar_(grammar),
        random_(seed, PurposeOf(Purpose::kData, 1), static_cast<uint64_t>(index)),
        writer_(grammar, random_),
        derivation_(derivation) {}

  Conversation Speak() {
    topic_ = PickTopic(grammar_, random_);
    const Topic& topic = grammar_.topics[topic_];
    conversation_.topic = topic.name;
    Ask(topic.first);
    std::string answer;
    const bool start = writer_.Chance(grammar_.starters.chance) && topic.starters;
    const bool end = writer_.Chance(grammar_.endings.chance) && topic.endings;
    if (start && !grammar_.starters.lines.empty()) {
      writer_.Write(writer_.Pick(grammar_.starters.lines), answer);
      answer += ' ';
    }
    Respond(topic.first, answer);
    if (end && !grammar_.endings.lines.empty()) {
      answer += ' ';
      writer_.Write(writer_.Pick(grammar_.endings.lines), answer);
    }
    Say(Role::kAssistant, std::move(answer));
    GoOn(topic.follow_ups);
    return std::move(conversation_);
  }

 private:
  void Ask(const Turn& turn) {
    std::string prompt;
    writer_.Write(turn.prompts[writer_.PickUsable(turn.prompts)].pieces, prompt);
    if (conversation_.messages.empty()) {
      typing_.letters = random_.UniformDouble();
      typing_.drop_ending = random_.UniformDouble() < grammar_.style.no_ending;
    }
    Type(grammar_.style, typing_, prompt);
    Say(Role::kUser, std::move(prompt));
  }

  void Respond(const Turn& turn, std::string& answer) {
    const size_t line = writer_.PickUsable(turn.responses);
    writer_.ClearTrail();
    writer_.Write(turn.responses[line].pieces, answer);
    if (derivation_ != nullptr) {
      derivation_->answers.push_back(Mix(Mix(Mix(topic_, turn_), line), writer_.trail()));
    }
  }

  void GoOn(const FollowUps& follow_ups) {
    std::vector<uint8_t> used(follow_ups.turns.size(), 0);
    for (int64_t i = 0; i < follow_ups.most && writer_.Chance(follow_ups.chance); ++i) {
      std::vector<size_t> usable;
      for (size_t t = 0; t < used.size(); ++t) {
        const Turn& turn = follow_ups.turns[t];
        if (used[t] == 0 && writer_.AnyUsable(turn.prompts) && writer_.AnyUsable(turn.responses)) {
          usable.push_back(t);
        }
      }
      if (usable.empty()) return;
      const size_t t = usable[random_.Below(usable.size())];
      used[t] = 1;
      turn_ = t + 1;
      Ask(follow_ups.turns[t]);
      std::string answer;
      Respond(follow_ups.turns[t], answer);
      Say(Role::kAssistant, std::move(answer));
    }
  }

  void Say(Role role, std::string text) {
    conversation_.messages.push_back({role, std::move(text)});
  }

  const Persona::Grammar& grammar_;
  Random random_;
  Writer writer_;
  Derivation* derivation_;
  Typing typing_;
  Conversation conversation_;
  size_t topic_ = 0;
  size_t turn_ = 0;  // 0: the topic's own; then its follow-ups in the order of the file
};

}  // namespace

Conversation GenerateConversation(const Persona::Grammar& grammar, uint64_t seed, int64_t index,
                                  Derivation* derivation) {
  return Speaker(grammar, seed, index, derivation).Speak();
}

}  // namespace shoal::data
