#include "core/data/lint/lint_overlap.h"

#include <algorithm>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "core/base/strings.h"
#include "core/data/lint/lint_text.h"

namespace shoal::data {
namespace {

constexpr size_t kMinLineBytes = 20;
constexpr int64_t kBytesOfAWord = 5;

// Texts of the held-out side, each with where training first has it.
class Occurrences {
 public:
  void AddHeldOut(std::string_view text) { first_.emplace(TextHash(text), kNowhere); }

  void SeeInTraining(std::string_view text, int64_t position) {
    const auto found = first_.find(TextHash(text));
    if (found != first_.end() && found->second == kNowhere) found->second = position;
  }

  // A position in training, or kNowhere.
  int64_t Find(std::string_view text) const {
    const auto found = first_.find(TextHash(text));
    return found == first_.end() ? kNowhere : found->second;
  }

  static constexpr int64_t kNowhere = -1;

 private:
  absl::flat_hash_map<uint64_t, int64_t> first_;
};

// The n-grams of the held-out side, and which of them training has.
class Ngrams {
 public:
  Ngrams(const std::vector<Example>& held_out, const LintOptions& options) : n_(options.ngram) {
    int64_t bytes = 0;
    for (const Example& example : held_out) bytes += static_cast<int64_t>(example.text.size());
    every_ = std::max<int64_t>(1, bytes / kBytesOfAWord / std::max<int64_t>(1, options.max_ngrams));
    for (const Example& example : held_out) {
      ForEach(PlainForm(PlainTextOf(example)), [this](uint64_t hash) { seen_.emplace(hash, 0); });
    }
  }

  void SeeInTraining(std::string_view plain) {
    ForEach(plain, [this](uint64_t hash) {
      if (const auto found = seen_.find(hash); found != seen_.end()) found->second = 1;
    });
  }

  void Report(const std::vector<Example>& held_out, LintReport& report) const {
    report.ngrams.items = static_cast<int64_t>(seen_.size());
    for (const auto& [hash, seen] : seen_) report.ngrams.in_train += seen;
    for (const Example& example : held_out) {
      Overlap own;
      ForEach(PlainForm(PlainTextOf(example)), [&](uint64_t hash) {
        ++own.items;
        own.in_train += seen_.at(hash);
      });
      if (own.items == 0) continue;
      ++report.with_ngram.items;
      ++report.mostly_ngrams.items;
      report.with_ngram.in_train += own.in_train > 0 ? 1 : 0;
      report.mostly_ngrams.in_train += own.share() >= 0.8 ? 1 : 0;
    }
  }

 private:
  template <typename Function>
  void ForEach(std::string_view plain, Function&& call) const {
    ForEachNgram(plain, n_, [&](uint64_t hash) {
      if (every_ == 1 || (hash >> 7) % static_cast<uint64_t>(every_) == 0) call(hash);
    });
  }

  const int64_t n_;
  int64_t every_ = 1;
  absl::flat_hash_map<uint64_t, uint8_t> seen_;
};

class Leaks {
 public:
  Leaks(const LintOptions& options, LintReport& report) : options_(options), report_(report) {}

  void Add(Leak leak) {
    auto& count = counts_[static_cast<size_t>(leak.kind)];
    if (count++ < options_.shown) report_.leaks.push_back(std::move(leak));
  }

 private:
  const LintOptions& options_;
  LintReport& report_;
  std::array<int64_t, 4> counts_{};
};

void FindCopies(const std::vector<Example>& train, const std::vector<Example>& held_out,
                Leaks& leaks, std::vector<uint8_t>& exact, LintReport& report) {
  Occurrences whole, inputs, outputs;
  for (const Example& example : held_out) {
    whole.AddHeldOut(example.text);
    for (const MessageView& message : MessagesOf(example)) {
      (message.role == Role::kAssistant ? outputs : inputs).AddHeldOut(message.content);
    }
  }
  for (size_t i = 0; i < train.size(); ++i) {
    const auto position = static_cast<int64_t>(i);
    whole.SeeInTraining(train[i].text, position);
    for (const MessageView& message : MessagesOf(train[i])) {
      (message.role == Role::kAssistant ? outputs : inputs)
          .SeeInTraining(message.content, position);
    }
  }
  for (size_t i = 0; i < held_out.size(); ++i) {
    const Example& example = held_out[i];
    const int64_t copy = whole.Find(example.text);
    exact[i] = copy != Occurrences::kNowhere;
    ++report.exact.items;
    report.exact.in_train += exact[i];
    if (exact[i] != 0) {
      leaks.Add({.kind = LeakKind::kExact,
                 .held_out_line = example.line,
                 .train_line = train[static_cast<size_t>(copy)].line,
                 .held_out = Excerpt(PlainTextOf(example)),
                 .train = {}});
    }
    for (const MessageView& message : MessagesOf(example)) {
      const bool answer = message.role == Role::kAssistant;
      const int64_t found = (answer ? outputs : inputs).Find(message.content);
      Overlap& overlap = answer ? report.output : report.input;
      ++overlap.items;
      overlap.in_train += found != Occurrences::kNowhere ? 1 : 0;
      if (!answer || report.labelled || found == Occurrences::kNowhere || exact[i] != 0) continue;
      leaks.Add({.kind = LeakKind::kOutput,
                 .held_out_line = example.line,
                 .train_line = train[static_cast<size_t>(found)].line,
                 .held_out = Excerpt(message.content),
                 .train = {}});
    }
  }
}

void FindNearCopies(const std::vector<Example>& train, const std::vector<Example>& held_out,
                    const std::vector<uint8_t>& exact, const LintOptions& options, Leaks& leaks,
                    LintReport& report) {
  const auto limit = static_cast<size_t>(std::max<int64_t>(1, options.max_indexed));
  const size_t stride = (held_out.size() + limit - 1) / limit;
  std::vector<size_t> looked_at;
  std::vector<std::string> texts;
  for (size_t i = 0; i < held_out.size(); i += stride) {
    looked_at.push_back(i);
    texts.push_back(exact[i] != 0 ? std::string() : PlainTextOf(held_out[i]));
  }
  report.near.items = static_cast<int64_t>(looked_at.size());
  struct Nearest {
    int64_t train = -1;
    double similarity = 0;
  };
  std::vector<Nearest> nearest(texts.size());
  NearCopyIndex index(texts, options.similarity);
  for (size_t i = 0; i < train.size(); ++i) {
    for (const NearCopyIndex::Match& match : index.Find(PlainTextOf(train[i]))) {
      Nearest& known = nearest[static_cast<size_t>(match.text)];
      if (match.similarity > known.similarity) {
        known = {static_cast<int64_t>(i), match.similarity};
      }
    }
  }
  for (size_t k = 0; k < looked_at.size(); ++k) {
    const size_t i = looked_at[k];
    if (exact[i] != 0 || nearest[k].train < 0) continue;
    const Example& copy = train[static_cast<size_t>(nearest[k].train)];
    ++report.near.in_train;
    leaks.Add({.kind = LeakKind::kNear,
               .held_out_line = held_out[i].line,
               .train_line = copy.line,
               .similarity = nearest[k].similarity,
               .held_out = Excerpt(texts[k]),
               .train = Excerpt(PlainTextOf(copy))});
  }
}

// Calls with every line that says something and its number in the file.
template <typename Function>
void ForEachLine(const std::vector<Example>& document, Function&& call) {
  for (const Example& example : document) {
    int64_t number = example.line;
    for (const std::string_view line : StrSplit(example.text, '\n')) {
      if (StripSpace(line).size() >= kMinLineBytes) call(StripSpace(line), number);
      ++number;
    }
  }
}

void FindLines(const std::vector<Example>& train, const std::vector<Example>& held_out,
               Leaks& leaks, LintReport& report) {
  Occurrences lines;
  ForEachLine(held_out, [&](std::string_view line, int64_t) { lines.AddHeldOut(line); });
  ForEachLine(train,
              [&](std::string_view line, int64_t number) { lines.SeeInTraining(line, number); });
  ForEachLine(held_out, [&](std::string_view line, int64_t number) {
    ++report.lines.items;
    const int64_t found = lines.Find(line);
    if (found == Occurrences::kNowhere) return;
    ++report.lines.in_train;
    leaks.Add({.kind = LeakKind::kLine,
               .held_out_line = number,
               .train_line = found,
               .held_out = Excerpt(line),
               .train = {}});
  });
}

}  // namespace

void FindOverlaps(const std::vector<Example>& train, const std::vector<Example>& held_out,
                  const LintOptions& options, LintReport& report) {
  Leaks leaks(options, report);
  if (report.document) {
    FindLines(train, held_out, leaks, report);
  } else {
    std::vector<uint8_t> exact(held_out.size(), 0);
    FindCopies(train, held_out, leaks, exact, report);
    FindNearCopies(train, held_out, exact, options, leaks, report);
  }
  Ngrams ngrams(held_out, options);
  for (const Example& example : train) ngrams.SeeInTraining(PlainForm(PlainTextOf(example)));
  ngrams.Report(held_out, report);
  std::stable_sort(report.leaks.begin(), report.leaks.end(),
                   [](const Leak& a, const Leak& b) { return a.kind < b.kind; });
}

}  // namespace shoal::data
