#include "core/data/persona.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/persona_grammar.h"
#include "core/data/split.h"

namespace shoal::data {
namespace {

using KeySet = absl::flat_hash_set<uint64_t>;

struct Keys {
  std::vector<uint64_t> prompt;  // [conversations]
  std::vector<uint64_t> response;
  std::vector<uint64_t> both;
};

Keys KeysOf(const std::vector<Conversation>& conversations) {
  Keys keys;
  for (const Conversation& c : conversations) {
    const std::string& prompt = c.messages[0].content;
    const std::string& response = c.messages[1].content;
    keys.prompt.push_back(ContentKey(prompt));
    keys.response.push_back(ContentKey(response));
    keys.both.push_back(ContentKey(StrCat(prompt, "\n", response)));
  }
  return keys;
}

int64_t Distinct(const std::vector<uint64_t>& keys) {
  return static_cast<int64_t>(KeySet(keys.begin(), keys.end()).size());
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

void ReportWords(const std::vector<Conversation>& conversations, PersonaReport& report) {
  int64_t sum = 0;
  for (const Conversation& c : conversations) {
    const int64_t words = CountWords(c.messages[1].content);
    const bool first = sum == 0 && report.response_words_max == 0;
    report.response_words_min = first ? words : std::min(report.response_words_min, words);
    report.response_words_max = std::max(report.response_words_max, words);
    sum += words;
  }
  report.response_words_mean = static_cast<double>(sum) / static_cast<double>(conversations.size());
}

void ReportTopics(const std::vector<Conversation>& conversations, const Keys& keys,
                  const std::vector<std::string>& topics, PersonaReport& report) {
  absl::flat_hash_map<std::string, size_t> place;
  for (const std::string& topic : topics) {
    place.emplace(topic, report.topics.size());
    report.topics.push_back({.topic = topic});
  }
  std::vector<KeySet> prompts(topics.size()), responses(topics.size());
  for (size_t i = 0; i < conversations.size(); ++i) {
    const size_t t = place.at(conversations[i].topic);
    ++report.topics[t].conversations;
    prompts[t].insert(keys.prompt[i]);
    responses[t].insert(keys.response[i]);
  }
  for (size_t t = 0; t < topics.size(); ++t) {
    report.topics[t].unique_prompts = static_cast<int64_t>(prompts[t].size());
    report.topics[t].unique_responses = static_cast<int64_t>(responses[t].size());
  }
}

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
  return GenerateConversation(*grammar_, seed, index);
}

absl::StatusOr<PersonaData> GeneratePersona(const Persona& persona, int64_t count, uint64_t seed,
                                            double held_out_fraction) {
  if (count < 1 || !(held_out_fraction >= 0 && held_out_fraction < 1)) {
    return absl::InvalidArgumentError(StrCat("count is ", count,
                                             ", expected at least 1; held_out_fraction is ",
                                             held_out_fraction, ", expected 0 <= fraction < 1"));
  }
  std::vector<Conversation> all;
  all.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) all.push_back(persona.Generate(seed, i));
  const Keys keys = KeysOf(all);
  const std::vector<uint8_t> held_out = ChooseHeldOut(keys.response, held_out_fraction, seed);

  PersonaData data;
  PersonaReport& report = data.report;
  report.conversations = count;
  report.unique_conversations = Distinct(keys.both);
  report.unique_prompts = Distinct(keys.prompt);
  report.unique_responses = Distinct(keys.response);
  ReportWords(all, report);
  ReportTopics(all, keys, persona.topics(), report);
  KeySet train_prompts;
  for (size_t i = 0; i < all.size(); ++i) {
    if (held_out[i] == 0) train_prompts.insert(keys.prompt[i]);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    if (held_out[i] != 0 && train_prompts.contains(keys.prompt[i])) ++report.prompts_also_in_train;
    (held_out[i] != 0 ? data.held_out : data.train).push_back(std::move(all[i]));
  }
  return data;
}

std::vector<Example> RenderAll(const std::vector<Conversation>& conversations) {
  std::vector<Example> examples;
  examples.reserve(conversations.size());
  for (const Conversation& c : conversations) examples.push_back(RenderConversation(c));
  return examples;
}

}  // namespace shoal::data
