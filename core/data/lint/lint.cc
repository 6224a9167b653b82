#include "core/data/lint/lint.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "core/base/strings.h"
#include "core/data/lint/lint_counts.h"
#include "core/data/lint/lint_overlap.h"

namespace shoal::data {
namespace {

// A topic whose outputs come round this often in an epoch is learned by heart.
constexpr double kManyRepeats = 20;

bool IsDocument(const std::vector<Example>& train, const std::vector<Example>& held_out) {
  const auto one_text = [](const std::vector<Example>& side) {
    return side.size() == 1 && !side[0].chat && side[0].text.find('\n') != std::string::npos;
  };
  return one_text(train) && (held_out.empty() || one_text(held_out));
}

bool IsLabelled(const std::vector<Example>& examples) {
  return std::all_of(examples.begin(), examples.end(), [](const Example& example) {
    const std::vector<MessageView> messages = MessagesOf(example);
    return messages.size() == 2 && !example.topic.empty() && messages[1].role == Role::kAssistant &&
           messages[1].content == example.topic;
  });
}

std::string Percent(double share) { return absl::StrFormat("%.1f %%", 100 * share); }

class Judge {
 public:
  Judge(const LintOptions& options, LintReport& report) : options_(options), report_(report) {}

  void Decide() {
    if (report_.held_out.examples == 0) {
      Warn("there is no held-out side: nothing was compared");
    }
    Leaking();
    Broken();
    Repeating();
    Unbalanced();
  }

 private:
  void Fail(std::string what) { report_.failures.push_back(std::move(what)); }
  void Warn(std::string what) { report_.warnings.push_back(std::move(what)); }

  void Leaking() {
    const LintReport& r = report_;
    if (r.exact.share() > options_.max_exact) {
      Fail(StrCat(Percent(r.exact.share()),
                  " of the held-out examples are exact copies of training examples (",
                  r.exact.in_train, " of ", r.exact.items, ")"));
    }
    if (r.near.share() > options_.max_near) {
      Fail(StrCat(Percent(r.near.share()),
                  " of the held-out examples are near copies of training examples (",
                  r.near.in_train, " of ", r.near.items, "; similarity ", options_.similarity,
                  " or more)"));
    } else if (r.near.in_train > 0) {
      Warn(StrCat(r.near.in_train, " of ", r.near.items,
                  " held-out examples are near copies of training examples"));
    }
    if (r.document && r.ngrams.share() > options_.max_document_ngrams) {
      Fail(StrCat(Percent(r.ngrams.share()), " of the held-out text's ", options_.ngram,
                  "-grams of words occur in training"));
    }
    if (r.document && r.lines.share() > 0.01) {
      Warn(StrCat(Percent(r.lines.share()), " of the held-out lines occur in training (",
                  r.lines.in_train, " of ", r.lines.items, ")"));
    }
    if (r.output.in_train > 0 && !r.labelled) {
      Warn(StrCat(Percent(r.output.share()), " of the held-out answers occur in training (",
                  r.output.in_train, " of ", r.output.items,
                  "): the held-out loss rewards learning them by heart"));
    }
    if (r.input.share() > 0.5) {
      Warn(StrCat(Percent(r.input.share()), " of the held-out questions occur in training (",
                  r.input.in_train, " of ", r.input.items, "): new questions are hardly measured"));
    }
  }

  void Broken() {
    const LintSide &t = report_.train, &h = report_.held_out;
    if (t.unresolved + h.unresolved > options_.max_unresolved) {
      const std::string what =
          StrCat(t.unresolved + h.unresolved, " examples hold what looks like a template's blank");
      // What people wrote may well hold braces; a generated conversation may not.
      const bool written = report_.document || report_.labelled;
      written ? Warn(what) : Fail(what);
    }
    const auto warn = [this](int64_t count, std::string_view what) {
      if (count > 0) Warn(StrCat(count, what));
    };
    warn(t.empty_outputs + h.empty_outputs, " answers are empty");
    warn(t.without_output + h.without_output, " conversations have no answer");
    warn(t.markup_inside + h.markup_inside, " messages hold chat markup as text");
  }

  void Repeating() {
    if (report_.labelled) return;
    int64_t topics = 0, often = 0;
    for (const TopicLint& topic : report_.topics) {
      topics += topic.outputs > 0 ? 1 : 0;
      often += topic.effective_repeats() >= kManyRepeats ? 1 : 0;
    }
    if (often == 0) return;
    Warn(topics == 1 ? StrCat("answers repeat ",
                              absl::StrFormat("%.0f", report_.topics[0].effective_repeats()),
                              " times on average")
                     : StrCat("in ", often, " of ", topics, " topics an answer occurs ",
                              kManyRepeats, " times or more on average"));
  }

  void Unbalanced() {
    if (report_.held_out.examples == 0 || report_.topics.size() < 2) return;
    int64_t without_train = 0, without_held_out = 0;
    for (const TopicLint& topic : report_.topics) {
      without_train += topic.train == 0 ? 1 : 0;
      without_held_out += topic.held_out == 0 ? 1 : 0;
    }
    if (without_train > 0) {
      Warn(StrCat(without_train, " of ", report_.topics.size(),
                  " topics are held out but not trained on"));
    }
    if (without_held_out > 0) {
      Warn(
          StrCat(without_held_out, " of ", report_.topics.size(), " topics have nothing held out"));
    }
  }

  const LintOptions& options_;
  LintReport& report_;
};

}  // namespace

LintReport LintData(const std::vector<Example>& train, const std::vector<Example>& held_out,
                    const LintOptions& options) {
  LintReport report;
  report.document = IsDocument(train, held_out);
  report.labelled = !train.empty() && IsLabelled(train) && IsLabelled(held_out);
  CountExamples(train, held_out, options, report);
  FindOverlaps(train, held_out, options, report);
  Judge(options, report).Decide();
  return report;
}

}  // namespace shoal::data
