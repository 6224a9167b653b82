#include "core/data/lint/lint_counts.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "core/base/strings.h"
#include "core/data/lint/lint_text.h"

namespace shoal::data {
namespace {

using HashSet = absl::flat_hash_set<uint64_t>;

// How often every output occurs, and where first.
struct OutputCount {
  int64_t count = 0;
  const Example* first = nullptr;
  std::string_view text;
};
using OutputCounts = absl::flat_hash_map<uint64_t, OutputCount>;

struct Distinct {
  HashSet examples, inputs, outputs;
};

struct TopicCounts {
  int64_t examples[2] = {0, 0};  // train, held out
  HashSet inputs;
  absl::flat_hash_map<uint64_t, int64_t> outputs;
};

int64_t Size(const HashSet& set) { return static_cast<int64_t>(set.size()); }

// As a data set counts them (record.h): what its messages say, without markup; of a labelled text
// the text alone.
int64_t BytesOf(const Example& example) {
  if (!example.chat) return static_cast<int64_t>(example.text.size());
  const std::vector<MessageView> messages = MessagesOf(example);
  const bool labelled =
      messages.size() == 2 && !example.topic.empty() && messages[1].content == example.topic;
  int64_t bytes = 0;
  for (const MessageView& message : messages) bytes += static_cast<int64_t>(message.content.size());
  return labelled ? bytes - static_cast<int64_t>(example.topic.size()) : bytes;
}

class Counter {
 public:
  Counter(const LintOptions& options, LintReport& report) : options_(options), report_(report) {}

  void AddSide(const std::vector<Example>& examples, bool held_out) {
    LintSide& side = held_out ? report_.held_out : report_.train;
    Distinct distinct;
    std::vector<int64_t> lengths;
    for (const Example& example : examples) {
      const int64_t bytes = BytesOf(example);
      lengths.push_back(bytes);
      side.bytes += bytes;
      side.long_examples += bytes > options_.long_bytes ? 1 : 0;
      AddExample(example, held_out, side, distinct);
    }
    side.examples = static_cast<int64_t>(examples.size());
    side.unique_examples = Size(distinct.examples);
    side.unique_inputs = Size(distinct.inputs);
    side.unique_outputs = Size(distinct.outputs);
    if (!lengths.empty()) {
      std::sort(lengths.begin(), lengths.end());
      const size_t last = lengths.size() - 1;
      side.bytes_median = lengths[last / 2];
      side.bytes_p99 = lengths[last * 99 / 100];
      side.bytes_max = lengths.back();
    }
    all_.examples.insert(distinct.examples.begin(), distinct.examples.end());
    all_.inputs.insert(distinct.inputs.begin(), distinct.inputs.end());
    all_.outputs.insert(distinct.outputs.begin(), distinct.outputs.end());
    report_.examples += side.examples;
    report_.inputs += side.inputs;
    report_.outputs += side.outputs;
  }

  void Finish() {
    report_.unique_examples = Size(all_.examples);
    report_.unique_inputs = Size(all_.inputs);
    report_.unique_outputs = Size(all_.outputs);
    ReportRepeated();
    for (const std::string& name : topic_names_) ReportTopic(name, topics_.at(name));
  }

 private:
  void AddExample(const Example& example, bool held_out, LintSide& side, Distinct& distinct) {
    distinct.examples.insert(TextHash(example.text));
    const auto [topic, added] = topics_.try_emplace(example.topic);
    if (added) topic_names_.push_back(example.topic);
    ++topic->second.examples[held_out ? 1 : 0];
    FindBlank(example, held_out, side);
    if (!example.chat) return;
    ++side.conversations;
    const int64_t before = side.outputs;
    for (const MessageView& message : MessagesOf(example)) {
      const uint64_t hash = TextHash(message.content);
      if (message.content.find(kStartToken) != message.content.npos ||
          message.content.find(kEndToken) != message.content.npos) {
        ++side.markup_inside;
      }
      if (message.role != Role::kAssistant) {
        ++side.inputs;
        distinct.inputs.insert(hash);
        topic->second.inputs.insert(hash);
        continue;
      }
      ++side.outputs;
      side.empty_outputs += StripSpace(message.content).empty() ? 1 : 0;
      distinct.outputs.insert(hash);
      ++topic->second.outputs[hash];
      if (held_out || report_.labelled) continue;
      OutputCount& output = outputs_[hash];
      if (output.count++ == 0) {
        output.first = &example;
        output.text = message.content;
      }
    }
    side.without_output += side.outputs == before ? 1 : 0;
  }

  void FindBlank(const Example& example, bool held_out, LintSide& side) {
    const std::string_view blank = FindUnresolvedBlank(example.text);
    if (blank.empty()) return;
    ++side.unresolved;
    if (static_cast<int64_t>(report_.unresolved.size()) >= options_.shown) return;
    const auto at = static_cast<size_t>(blank.data() - example.text.data());
    size_t begin = at - std::min<size_t>(at, 40);
    while (begin < at && (static_cast<uint8_t>(example.text[begin]) & 0xC0) == 0x80) ++begin;
    report_.unresolved.push_back({held_out, example.line, std::string(blank),
                                  Excerpt(std::string_view(example.text).substr(begin), 120)});
  }

  void ReportRepeated() {
    std::vector<const OutputCount*> order;
    for (const auto& [hash, output] : outputs_) {
      if (output.count > 1) order.push_back(&output);
    }
    const auto shown =
        std::min(order.size(), static_cast<size_t>(std::max<int64_t>(0, options_.shown)));
    std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(shown), order.end(),
                      [](const OutputCount* a, const OutputCount* b) {
                        return a->count != b->count ? a->count > b->count : a->text < b->text;
                      });
    for (size_t i = 0; i < shown; ++i) {
      report_.repeated.push_back({order[i]->count, order[i]->first->line, Excerpt(order[i]->text)});
    }
  }

  void ReportTopic(const std::string& name, const TopicCounts& counts) {
    TopicLint topic;
    topic.topic = name;
    topic.train = counts.examples[0];
    topic.held_out = counts.examples[1];
    topic.unique_inputs = Size(counts.inputs);
    topic.unique_outputs = static_cast<int64_t>(counts.outputs.size());
    double squares = 0;
    for (const auto& [hash, count] : counts.outputs) {
      topic.outputs += count;
      squares += static_cast<double>(count) * static_cast<double>(count);
    }
    const auto n = static_cast<double>(topic.outputs);
    topic.effective_outputs = squares > 0 ? n * n / squares : 0;
    report_.topics.push_back(std::move(topic));
  }

  const LintOptions& options_;
  LintReport& report_;
  Distinct all_;
  OutputCounts outputs_;
  absl::flat_hash_map<std::string, TopicCounts> topics_;
  std::vector<std::string> topic_names_;
};

}  // namespace

void CountExamples(const std::vector<Example>& train, const std::vector<Example>& held_out,
                   const LintOptions& options, LintReport& report) {
  Counter counter(options, report);
  counter.AddSide(train, false);
  counter.AddSide(held_out, true);
  counter.Finish();
}

}  // namespace shoal::data
