// A comparison for people (tables and notes) and for programs (JSON).
//
//   n_layers  SEEDS  PARAMS  FLOPS  held_out/loss       VS BASELINE      P  TOK/S  TIME
//   2             3  0.47M   1.2T   1.7340 ± 0.0123                         61.2k   12s
//   4             3  0.87M   2.3T   1.6912 ± 0.0140  -0.0428 ± 0.0061  0.001  38.0k   20s
#pragma once

#include <span>
#include <string>

#include "cli/analysis/comparison.h"
#include "cli/output/terminal.h"

namespace shoal::report {

// Where the table is too wide for the terminal it is told in two; where the settings themselves
// are, they are numbered and listed below. Under it: runs that were not counted, and notes.
std::string ComparisonText(const cli::Terminal& terminal, const analysis::Comparison& comparison,
                           std::span<const v1::RunDetail> details);

// One JSON object, its members without the braces: "metric":...,"settings":[...],...
std::string ComparisonJson(const analysis::Comparison& comparison,
                           std::span<const v1::RunDetail> details);

// The figures of one setting as text; "" where there is none.
struct SettingText {
  std::string seeds;       // "3", or "3/4": counted of all
  std::string reused;      // how many
  std::string parameters;  // "1.07M", "1.07M..2.30M"
  std::string flops;
  std::string metric;      // "1.7340 ± 0.0123"
  std::string difference;  // "-0.0428 ± 0.0061"
  std::string p;           // "0.012", "<0.001"
  std::string speed;
  std::string time;
};
// With as many decimals in every row as the smallest interval deserves.
std::vector<SettingText> SettingTexts(const analysis::Comparison& comparison,
                                      std::span<const v1::RunDetail> details);

}  // namespace shoal::report
