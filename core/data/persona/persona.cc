#include "core/data/persona/persona.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/persona/persona_grammar.h"
#include "core/data/persona/persona_split.h"
#include "core/data/split.h"

namespace shoal::data {
namespace {

using KeySet = absl::flat_hash_set<uint64_t>;

std::string JoinContents(const Conversation& conversation, Role role) {
  std::string text;
  for (const Message& message : conversation.messages) {
    if (message.role == role) StrAppend(text, text.empty() ? "" : "\n", message.content);
  }
  return text;
}

int64_t CountWords(std::string_view text) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

// Counts what repeats, for all conversations and for each topic.
class Reporter {
 public:
  explicit Reporter(const std::vector<std::string>& topics) : by_topic_(topics.size()) {
    for (const std::string& topic : topics) {
      places_.emplace(topic, report_.topics.size());
      report_.topics.push_back({.topic = topic});
    }
  }

  void Add(const Conversation& conversation, bool held_out) {
    const std::string prompts = JoinContents(conversation, Role::kUser);
    const std::string responses = JoinContents(conversation, Role::kAssistant);
    const uint64_t prompt = ContentKey(prompts);
    const uint64_t response = ContentKey(responses);
    const size_t topic = places_.at(conversation.topic);
    ++report_.conversations;
    ++report_.topics[topic].conversations;
    if (conversation.messages.size() > 2) ++report_.with_follow_ups;
    all_.Add(prompt, response);
    by_topic_[topic].Add(prompt, response);
    conversations_.insert(ContentKey(StrCat(prompts, "\n\n", responses)));
    (held_out ? held_out_prompts_ : train_prompts_).push_back(prompt);
    for (const Message& message : conversation.messages) {
      if (message.role == Role::kAssistant) AddWords(CountWords(message.content));
    }
  }

  PersonaReport Finish() {
    report_.unique_conversations = static_cast<int64_t>(conversations_.size());
    report_.unique_prompts = static_cast<int64_t>(all_.prompts.size());
    report_.unique_responses = static_cast<int64_t>(all_.responses.size());
    report_.response_words_mean =
        answers_ == 0 ? 0 : static_cast<double>(words_) / static_cast<double>(answers_);
    for (size_t t = 0; t < by_topic_.size(); ++t) {
      report_.topics[t].unique_prompts = static_cast<int64_t>(by_topic_[t].prompts.size());
      report_.topics[t].unique_responses = static_cast<int64_t>(by_topic_[t].responses.size());
    }
    const KeySet train(train_prompts_.begin(), train_prompts_.end());
    for (const uint64_t prompt : held_out_prompts_) {
      if (train.contains(prompt)) ++report_.prompts_also_in_train;
    }
    return std::move(report_);
  }

 private:
  struct Sets {
    KeySet prompts, responses;
    void Add(uint64_t prompt, uint64_t response) {
      prompts.insert(prompt);
      responses.insert(response);
    }
  };

  void AddWords(int64_t words) {
    report_.response_words_min =
        answers_ == 0 ? words : std::min(report_.response_words_min, words);
    report_.response_words_max = std::max(report_.response_words_max, words);
    words_ += words;
    ++answers_;
  }

  PersonaReport report_;
  absl::flat_hash_map<std::string, size_t> places_;
  Sets all_;
  std::vector<Sets> by_topic_;
  KeySet conversations_;
  std::vector<uint64_t> train_prompts_, held_out_prompts_;
  int64_t words_ = 0;
  int64_t answers_ = 0;
};

}  // namespace

Persona::Persona(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {}

absl::StatusOr<Persona> Persona::FromYaml(std::string_view yaml, const std::string& name) {
  SHOAL_ASSIGN_OR_RETURN(Grammar grammar, ParsePersona(yaml, name));
  return Persona(std::make_shared<const Grammar>(std::move(grammar)));
}

absl::StatusOr<Persona> Persona::Load(const std::string& path) {
  SHOAL_ASSIGN_OR_RETURN(const std::string yaml, RealFileSystem().ReadFile(path));
  return FromYaml(yaml, path);
}

const std::string& Persona::name() const { return grammar_->name; }
const std::string& Persona::about() const { return grammar_->about; }

std::vector<std::string> Persona::topics() const {
  std::vector<std::string> names;
  for (const Topic& topic : grammar_->topics) names.push_back(topic.name);
  return names;
}

Conversation Persona::Generate(uint64_t seed, int64_t index) const {
  return GenerateConversation(*grammar_, seed, index, nullptr);
}

absl::StatusOr<PersonaData> GeneratePersona(const Persona& persona, int64_t count, uint64_t seed,
                                            double held_out_fraction) {
  if (count < 1 || !(held_out_fraction >= 0 && held_out_fraction < 1)) {
    return absl::InvalidArgumentError(StrCat("count is ", count,
                                             ", expected at least 1; held_out_fraction is ",
                                             held_out_fraction, ", expected 0 <= fraction < 1"));
  }
  PersonaSides sides = SplitPersona(persona.grammar(), count, seed, held_out_fraction);
  Reporter reporter(persona.topics());
  for (const Conversation& conversation : sides.train) reporter.Add(conversation, false);
  for (const Conversation& conversation : sides.held_out) reporter.Add(conversation, true);
  PersonaData data;
  data.report = reporter.Finish();
  data.report.generated = sides.generated;
  data.report.left_out = sides.left_out;
  data.train = std::move(sides.train);
  data.held_out = std::move(sides.held_out);
  return data;
}

std::vector<Example> RenderAll(const std::vector<Conversation>& conversations) {
  std::vector<Example> examples;
  examples.reserve(conversations.size());
  for (const Conversation& c : conversations) examples.push_back(RenderConversation(c));
  return examples;
}

}  // namespace shoal::data
