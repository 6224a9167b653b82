// A lint report for people, and as JSON.
#pragma once

#include <string>

#include "cli/output/terminal.h"
#include "core/data/lint/lint.h"

namespace shoal::cli {

struct LintNames {
  std::string source;    // what was looked at
  std::string train;     // how lines of training are quoted: "train.jsonl"
  std::string held_out;  // and of the held-out side
};

// `topics`: how many rows of the topic table; the most repetitive come first.
std::string RenderLint(const data::LintReport& report, const LintNames& names,
                       const Terminal& terminal, int64_t topics);

// The members of one JSON object, without the braces, all numbers of the report and every topic.
std::string LintJsonMembers(const data::LintReport& report, const LintNames& names);

}  // namespace shoal::cli
