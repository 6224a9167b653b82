#include "core/data/persona/persona_split.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/base/random.h"
#include "core/data/near_copies.h"

namespace shoal::data {
namespace {

// Held out are derivations that are at most this share of their topic, so that training loses
// little when everything of the same derivation is left out of it.
constexpr double kRareShare = 1.0 / 200;
// How many conversations may be generated to replace those that were left out.
constexpr int64_t kMostTries = 3;

struct Sample {
  Conversation conversation;
  std::vector<uint64_t> answers;  // derivations
};

Sample Generate(const Persona::Grammar& grammar, uint64_t seed, int64_t index) {
  Derivation derivation;
  Sample sample;
  sample.conversation = GenerateConversation(grammar, seed, index, &derivation);
  sample.answers = std::move(derivation.answers);
  return sample;
}

// Conversations whose first answers come from the same derivation.
struct Group {
  bool common = false;  // holds an answer that many conversations of the topic have
  uint64_t order = 0;   // the key mixed with the seed
  uint64_t key = 0;
  std::vector<size_t> samples;
};

std::vector<Group> GroupsOf(const std::vector<Sample>& samples, const std::vector<size_t>& topic,
                            uint64_t seed) {
  absl::flat_hash_map<uint64_t, int64_t> counts;
  for (const size_t i : topic) {
    for (const uint64_t answer : samples[i].answers) ++counts[answer];
  }
  const auto most = std::max<int64_t>(1, std::llround(kRareShare * double(topic.size())));
  absl::flat_hash_map<uint64_t, size_t> places;
  std::vector<Group> groups;
  for (const size_t i : topic) {
    const uint64_t key = samples[i].answers.front();
    const auto [place, added] = places.emplace(key, groups.size());
    if (added) {
      const uint64_t order = Random(seed, PurposeOf(Purpose::kData, 2), key).NextU64();
      groups.push_back({.common = false, .order = order, .key = key, .samples = {}});
    }
    Group& group = groups[place->second];
    group.samples.push_back(i);
    for (const uint64_t answer : samples[i].answers) group.common |= counts[answer] > most;
  }
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return std::tie(a.common, a.order, a.key) < std::tie(b.common, b.order, b.key);
  });
  return groups;
}

// 1 for held out. Every topic gives its share; what one cannot give, the next ones do.
std::vector<uint8_t> ChooseHeldOut(const std::vector<Sample>& samples, size_t topics,
                                   const absl::flat_hash_map<std::string, size_t>& topic_index,
                                   double fraction, uint64_t seed) {
  std::vector<std::vector<size_t>> by_topic(topics);
  for (size_t i = 0; i < samples.size(); ++i) {
    by_topic[topic_index.at(samples[i].conversation.topic)].push_back(i);
  }
  std::vector<uint8_t> held_out(samples.size(), 0);
  int64_t seen = 0, chosen = 0;
  for (const std::vector<size_t>& topic : by_topic) {
    seen += static_cast<int64_t>(topic.size());
    const int64_t target = std::llround(fraction * static_cast<double>(seen));
    for (const Group& group : GroupsOf(samples, topic, seed)) {
      const auto size = static_cast<int64_t>(group.samples.size());
      if (chosen + size > target) continue;
      chosen += size;
      for (const size_t i : group.samples) held_out[i] = 1;
    }
  }
  return held_out;
}

// The texts that must not be alike on both sides: the whole conversation, and each answer.
std::string WholeText(const Conversation& conversation) {
  std::string text;
  for (const Message& message : conversation.messages) {
    text += message.content;
    text += '\n';
  }
  return text;
}

std::vector<std::string> AnswersOf(const Conversation& conversation) {
  std::vector<std::string> answers;
  for (const Message& message : conversation.messages) {
    if (message.role == Role::kAssistant) answers.push_back(message.content);
  }
  return answers;
}

// What the held-out conversations are made of, and whether something is too like them.
class Forbidden {
 public:
  explicit Forbidden(const std::vector<const Sample*>& held_out)
      : conversations_(WholeTextsOf(held_out), kNearCopySimilarity),
        answers_(AllAnswersOf(held_out), kNearCopySimilarity) {
    for (const Sample* sample : held_out) {
      derivations_.insert(sample->answers.begin(), sample->answers.end());
    }
  }

  bool Holds(const Sample& sample) {
    for (const uint64_t answer : sample.answers) {
      if (derivations_.contains(answer)) return true;
    }
    for (const std::string& answer : AnswersOf(sample.conversation)) {
      if (!answers_.Find(answer).empty()) return true;
    }
    return !conversations_.Find(WholeText(sample.conversation)).empty();
  }

 private:
  static std::vector<std::string> WholeTextsOf(const std::vector<const Sample*>& samples) {
    std::vector<std::string> texts;
    for (const Sample* sample : samples) texts.push_back(WholeText(sample->conversation));
    return texts;
  }
  static std::vector<std::string> AllAnswersOf(const std::vector<const Sample*>& samples) {
    std::vector<std::string> texts;
    for (const Sample* sample : samples) {
      for (std::string& answer : AnswersOf(sample->conversation))
        texts.push_back(std::move(answer));
    }
    return texts;
  }

  absl::flat_hash_set<uint64_t> derivations_;
  NearCopyIndex conversations_;
  NearCopyIndex answers_;
};

}  // namespace

PersonaSides SplitPersona(const Persona::Grammar& grammar, int64_t count, uint64_t seed,
                          double fraction) {
  std::vector<Sample> samples;
  samples.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) samples.push_back(Generate(grammar, seed, i));
  absl::flat_hash_map<std::string, size_t> topic_index;
  for (const Topic& topic : grammar.topics) topic_index.emplace(topic.name, topic_index.size());
  const std::vector<uint8_t> held_out =
      ChooseHeldOut(samples, grammar.topics.size(), topic_index, fraction, seed);

  std::vector<const Sample*> chosen;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (held_out[i] != 0) chosen.push_back(&samples[i]);
  }
  Forbidden forbidden(chosen);
  PersonaSides sides;
  const size_t wanted = samples.size() - chosen.size();
  const auto offer = [&](Sample sample) {
    if (forbidden.Holds(sample)) {
      ++sides.left_out;
    } else {
      sides.train.push_back(std::move(sample.conversation));
    }
  };
  for (size_t i = 0; i < samples.size(); ++i) {
    if (held_out[i] != 0) {
      sides.held_out.push_back(std::move(samples[i].conversation));
    } else {
      offer(std::move(samples[i]));
    }
  }
  sides.generated = count;
  for (; sides.train.size() < wanted && sides.generated < kMostTries * count; ++sides.generated) {
    offer(Generate(grammar, seed, sides.generated));
  }
  return sides;
}

}  // namespace shoal::data
