// Reads training text from files: JSONL and plain text.
//
// JSONL, one object a line, one of
//   {"text": "..."}                               chat markup inside is understood
//   {"prompt": "...", "response": "..."}
//   {"messages": [{"role": "user" | "assistant" | "system", "content": "..."}, ...]}
//   {"text": "...", "label": "..."}               a conversation: the text, answered by the label
// (and what else record.h reads) with an optional "topic" (or "category"); other members are
// ignored. With loss on the response, a labelled text teaches its label. A malformed line is left
// out and listed with file:line and the reason; the rest is kept. Blank lines are counted, not
// listed.
//
// Plain text: one long document, split 90/10 in the order of the text (as nanoGPT does).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/conversation.h"

namespace shoal::data {

struct LineProblem {
  std::string file;
  int64_t line = 0;  // from 1
  std::string reason;
};

struct SourceReport {
  int64_t bytes = 0;
  int64_t lines = 0;
  int64_t blank_lines = 0;
  int64_t examples = 0;
  int64_t malformed_lines = 0;        // all of them
  std::vector<LineProblem> problems;  // the first max_problems of them, in order
  int64_t examples_without_response =
      0;                           // no assistant turn: nothing to learn with loss on response
  int64_t invalid_utf8_bytes = 0;  // plain text only: kept as bytes
};

// The problems as text, one a line: "train.jsonl:17: missing ..."; ends with how many are not
// shown.
std::string FormatProblems(const SourceReport& report);

struct Source {
  std::vector<Example> examples;
  SourceReport report;
};

struct ReadOptions {
  int64_t max_problems = 100;         // listed; counting goes on
  int64_t max_line_bytes = 16 << 20;  // a longer line is malformed
  double held_out_fraction = 0.1;     // plain text: the end of the document
};

// Errors: NotFound; InvalidArgument when no line at all is usable (the message holds the first
// problem).
absl::StatusOr<Source> ReadJsonl(const std::string& path, const ReadOptions& options = {});
// The same over text in memory; `name` stands for the file in problems.
absl::StatusOr<Source> ParseJsonl(std::string_view text, const std::string& name,
                                  const ReadOptions& options = {});

struct SplitSource {
  Source train;
  Source held_out;
};

// Splits at held_out_fraction by bytes, moved forward to the start of a UTF-8 sequence.
// Errors: NotFound; InvalidArgument (empty file, fraction outside [0, 1)).
absl::StatusOr<SplitSource> ReadPlainText(const std::string& path, const ReadOptions& options = {});

// Moves about `fraction` of the examples to held_out, chosen by content: exact copies, and
// conversations with the same last answer, always fall on the same side, so nothing held out can be
// learned by heart. Deterministic in (contents, seed), whatever the order.
SplitSource SplitByContent(Source source, double fraction, uint64_t seed);

}  // namespace shoal::data
