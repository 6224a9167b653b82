// What is wrong with a data set: does what is measured on also occur in what is trained on, how
// much repeats, and what should never have got there. The failures that make a held-out loss
// worthless can all be counted before anything is trained; this page counts them.
//
// An *input* is a user's message, an *output* an assistant's. An example is an *exact copy* when
// its whole text occurs in training, a *near copy* when a text very like it does (near_copies.h).
// Words are those of the plain form of near_copies.h; an n-gram is n of them in a row.
//
// A data set *fails* when the held-out side leaks (exact copies, near copies, for a document long
// word sequences) or when a template's blanks were left unresolved. Everything else that is odd is
// a warning: inputs that occur in training, for one, do no harm when their answers differ.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/near_copies.h"
#include "core/data/text_source.h"

namespace shoal::data {

struct LintOptions {
  // Shares of the held-out examples that may be exact or near copies; of unresolved blanks, a
  // count.
  double max_exact = 0;
  double max_near = 0.01;
  int64_t max_unresolved = 0;
  // Of a plain document: the share of held-out n-grams that may occur in training.
  double max_document_ngrams = 0.1;

  double similarity = kNearCopySimilarity;
  int64_t ngram = 8;
  int64_t long_bytes = 512;  // examples longer than this are counted
  int64_t shown = 5;         // leaks of each kind, repeated outputs, and unresolved blanks listed
  // More held-out examples than this are sampled evenly for near copies, more held-out n-grams by
  // their hash: memory stays bounded.
  int64_t max_indexed = 50'000;
  int64_t max_ngrams = 4'000'000;
};

// Of `items` on the held-out side, how many occur in training.
struct Overlap {
  int64_t items = 0;
  int64_t in_train = 0;
  double share() const { return items == 0 ? 0 : double(in_train) / double(items); }
};

struct LintSide {
  int64_t examples = 0;
  int64_t conversations = 0;  // examples with chat markup
  int64_t unique_examples = 0;
  int64_t inputs = 0;
  int64_t unique_inputs = 0;
  int64_t outputs = 0;
  int64_t unique_outputs = 0;
  int64_t empty_outputs = 0;   // white space only
  int64_t without_output = 0;  // conversations that no assistant speaks in
  int64_t markup_inside = 0;   // messages that hold <|im_start|> or <|im_end|> as text
  int64_t unresolved = 0;      // examples with unresolved blanks
  int64_t long_examples = 0;   // of more than long_bytes
  int64_t bytes = 0;           // of text, without markup
  int64_t bytes_median = 0;    // of an example
  int64_t bytes_p99 = 0;
  int64_t bytes_max = 0;
};

enum class LeakKind { kExact, kNear, kOutput, kLine };

// A held-out text and the first text of training that it occurs in. Lines are those of the files
// that the examples came from; 0: not from a file.
struct Leak {
  LeakKind kind = LeakKind::kExact;
  int64_t held_out_line = 0;
  int64_t train_line = 0;
  double similarity = 1;
  std::string held_out;
  std::string train;  // empty when it is the same text
};

struct RepeatedOutput {
  int64_t count = 0;  // in training
  int64_t first_line = 0;
  std::string text;
};

struct UnresolvedBlank {
  bool held_out = false;
  int64_t line = 0;
  std::string blank;  // "{fish}"
  std::string text;   // around it
};

// One topic's outputs, over both sides. With n_i copies of output i and N of all, the *effective
// number* of outputs is N^2 / sum n_i^2 (the inverse Simpson index: so many equally frequent
// outputs repeat as much), and *effective repeats* is N over that: how often a model sees the
// output of a random sample in one epoch.
struct TopicLint {
  std::string topic;
  int64_t train = 0;  // examples
  int64_t held_out = 0;
  int64_t outputs = 0;
  int64_t unique_inputs = 0;
  int64_t unique_outputs = 0;
  double effective_outputs = 0;
  double repeats() const {
    return unique_outputs == 0 ? 0 : double(outputs) / double(unique_outputs);
  }
  double effective_repeats() const {
    return effective_outputs == 0 ? 0 : double(outputs) / effective_outputs;
  }
};

struct LintReport {
  bool document = false;  // plain text: lines and n-grams are compared, not examples
  bool labelled = false;  // every output is its example's topic: labels, which must repeat
  LintSide train;
  LintSide held_out;
  // Over both sides.
  int64_t examples = 0;
  int64_t unique_examples = 0;
  int64_t inputs = 0;
  int64_t unique_inputs = 0;
  int64_t outputs = 0;
  int64_t unique_outputs = 0;

  Overlap exact;          // held-out examples
  Overlap near;           // held-out examples looked at, exact copies not counted in in_train
  Overlap input;          // held-out inputs
  Overlap output;         // held-out outputs
  Overlap lines;          // of a document: lines of 20 bytes or more
  Overlap ngrams;         // distinct held-out n-grams; a sample of them when there are very many
  Overlap with_ngram;     // held-out examples that have n words or more: with an n-gram of training
  Overlap mostly_ngrams;  // ... with four fifths of their n-grams in training

  std::vector<Leak> leaks;               // by kind, in order of the held-out side
  std::vector<RepeatedOutput> repeated;  // the most frequent first; only outputs that do repeat
  std::vector<UnresolvedBlank> unresolved;
  std::vector<TopicLint> topics;  // in order of first appearance; without topics one of name ""

  std::vector<std::string> failures;  // empty: the data set passes
  std::vector<std::string> warnings;
  bool passed() const { return failures.empty(); }
};

// Looks at both sides; `held_out` may be empty (nothing is compared then, and a warning says so).
LintReport LintData(const std::vector<Example>& train, const std::vector<Example>& held_out,
                    const LintOptions& options = {});

// The first thing in a text that looks like a template's blank: "{fish}", "{pick(FISH)}", "{a|b}",
// "{{name}}", "${name}", "%(name)s". Empty when there is none. Braces with spaces, semicolons or
// quotes inside, as code and JSON have them, are none.
std::string_view FindUnresolvedBlank(std::string_view text);

}  // namespace shoal::data
