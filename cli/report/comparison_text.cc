#include "cli/report/comparison_text.h"

#include <algorithm>
#include <cmath>

#include "cli/output/format.h"
#include "cli/output/table.h"
#include "core/base/strings.h"

namespace shoal::report {
namespace {

using analysis::Comparison;
using analysis::SettingResult;
using cli::Fixed;
using cli::Style;
using cli::Styled;
using cli::Table;
using A = Table::Align;

// Decimals that show two digits of the smallest half width; without any, those of a loss.
int Decimals(const Comparison& comparison) {
  double smallest = HUGE_VAL, largest = 0;
  for (const SettingResult& result : comparison.settings) {
    if (result.range && result.range->half() > 0)
      smallest = std::min(smallest, result.range->half());
    if (result.metric.count > 0) largest = std::max(largest, std::abs(result.metric.mean));
  }
  const int of_size = largest > 0 ? 3 - static_cast<int>(std::floor(std::log10(largest))) : 4;
  if (!std::isfinite(smallest)) return std::clamp(of_size, 0, 8);
  const int of_interval = 1 - static_cast<int>(std::floor(std::log10(smallest)));
  return std::clamp(of_interval, 0, std::max(of_size, 0) + 2);
}

std::string WithHalf(double mean, const std::optional<analysis::Interval>& range, int decimals) {
  return StrCat(Fixed(mean, decimals),
                range ? StrCat(" ± ", Fixed(range->half(), decimals)) : std::string());
}

std::string Signed(const std::string& number) {
  return number.starts_with('-') ? number : StrCat("+", number);
}

std::string PText(const std::optional<double>& p) {
  if (!p) return "";
  return *p < 0.001 ? "<0.001" : Fixed(*p, 3);
}

std::string MeanCount(const analysis::Summary& summary) {
  return summary.count == 0 ? "" : cli::HumanCount(summary.mean);
}

enum class Part { kAll, kResult, kCost };

// The settings' own columns, or their numbers; then the figures of `part`.
Table MakeTable(const cli::Terminal& terminal, const Comparison& comparison,
                const std::vector<SettingText>& texts, bool numbered, Part part) {
  std::vector<Table::Column> columns;
  if (numbered || comparison.columns.empty()) {
    columns.push_back({"SETTING", numbered ? A::kRight : A::kLeft});
  } else {
    for (const analysis::Differing& column : comparison.columns) {
      const bool text = column.of_run.front().is_text;
      columns.push_back({column.title, text ? A::kLeft : A::kRight});
    }
  }
  if (part != Part::kCost) {
    columns.push_back({"SEEDS", A::kRight});
    columns.push_back({"REUSED", A::kRight});
  }
  if (part != Part::kResult) {
    columns.push_back({"PARAMS", A::kRight});
    columns.push_back({"FLOPS", A::kRight});
  }
  if (part != Part::kCost) {
    columns.push_back({comparison.metric, A::kRight});
    columns.push_back({"VS BASELINE", A::kRight});
    columns.push_back({"P", A::kRight});
  }
  if (part != Part::kResult) {
    columns.push_back({"TOK/S", A::kRight});
    columns.push_back({"TIME", A::kRight});
  }
  Table table(std::move(columns));
  for (size_t s = 0; s < texts.size(); ++s) {
    const SettingText& text = texts[s];
    std::vector<std::string> cells;
    if (numbered || comparison.columns.empty()) {
      cells.push_back(numbered ? StrCat(s + 1) : comparison.settings[s].setting.label);
    } else {
      for (const analysis::FlatField& value : comparison.settings[s].setting.values)
        cells.push_back(cli::Printable(value.shown, false));
    }
    if (part != Part::kCost) cells.insert(cells.end(), {text.seeds, text.reused});
    if (part != Part::kResult) cells.insert(cells.end(), {text.parameters, text.flops});
    if (part != Part::kCost) {
      const bool best = comparison.best == s;
      cells.push_back(best ? Styled(terminal, Style::kGreen, text.metric) : text.metric);
      cells.insert(
          cells.end(),
          {comparison.baseline == s ? Styled(terminal, Style::kDim, "baseline") : text.difference,
           text.p});
    }
    if (part != Part::kResult) cells.insert(cells.end(), {text.speed, text.time});
    table.Add(std::move(cells));
  }
  return table;
}

std::string NotCounted(const cli::Terminal& terminal, const Comparison& comparison,
                       std::span<const v1::RunDetail> details) {
  Table table({{"NOT COUNTED"}, {"VALUE", A::kRight}, {"WHY", A::kLeft, true}});
  for (const SettingResult& result : comparison.settings) {
    for (const analysis::RunValue& one : result.runs) {
      if (one.counted) continue;
      table.Add({cli::Printable(details[one.run].run().name(), false),
                 one.value ? Fixed(*one.value, 4) : "", cli::Printable(one.reason, false)});
    }
  }
  return table.empty() ? "" : StrCat("\n", table.Render(terminal));
}

// A note, broken at spaces, its later lines under its first.
std::string Wrapped(const std::string& note, int columns) {
  std::string out = "- ", line;
  for (const std::string_view word : StrSplit(note, ' ')) {
    if (!line.empty() && cli::DisplayWidth(line) + 1 + cli::DisplayWidth(word) > columns - 2) {
      StrAppend(out, line, "\n  ");
      line.clear();
    }
    StrAppend(line, line.empty() ? "" : " ", word);
  }
  return StrCat(out, line, "\n");
}

}  // namespace

std::vector<SettingText> SettingTexts(const Comparison& comparison,
                                      std::span<const v1::RunDetail> details) {
  const int decimals = Decimals(comparison);
  std::vector<SettingText> texts;
  for (const SettingResult& result : comparison.settings) {
    SettingText& text = texts.emplace_back();
    const auto all = static_cast<int64_t>(result.runs.size());
    text.seeds = StrCat(result.metric.count, result.metric.count < all ? StrCat("/", all) : "");
    const auto reused = std::count_if(
        result.runs.begin(), result.runs.end(),
        [&](const analysis::RunValue& one) { return details[one.run].run().reused(); });
    if (reused > 0) text.reused = StrCat(reused);
    text.parameters = cli::HumanCount(static_cast<double>(result.parameters_min));
    if (result.parameters_max > result.parameters_min)
      StrAppend(text.parameters, "..", cli::HumanCount(static_cast<double>(result.parameters_max)));
    text.flops = MeanCount(result.train_flops);
    if (result.metric.count > 0) text.metric = WithHalf(result.metric.mean, result.range, decimals);
    if (result.difference) {
      text.difference =
          Signed(WithHalf(result.difference->mean, result.difference->interval, decimals));
      text.p = PText(result.difference->p);
    }
    text.speed = MeanCount(result.tokens_per_second);
    if (result.compute_seconds.count > 0)
      text.time = cli::HumanDuration(absl::Seconds(result.compute_seconds.mean));
  }
  return texts;
}

std::string ComparisonText(const cli::Terminal& terminal, const Comparison& comparison,
                           std::span<const v1::RunDetail> details) {
  const std::vector<SettingText> texts = SettingTexts(comparison, details);
  const auto table = [&](bool numbered, Part part) {
    return MakeTable(terminal, comparison, texts, numbered, part);
  };
  std::string out;
  if (table(false, Part::kAll).Width() <= terminal.columns) {
    out = table(false, Part::kAll).Render(terminal);
  } else {
    const bool numbered = table(false, Part::kResult).Width() > terminal.columns;
    out = StrCat(table(numbered, Part::kResult).Render(terminal), "\n",
                 table(numbered, Part::kCost).Render(terminal));
    for (size_t s = 0; numbered && s < texts.size(); ++s) {
      StrAppend(out, s == 0 ? "\n" : "", "setting ", s + 1, ": ",
                cli::Printable(comparison.settings[s].setting.label, false), "\n");
    }
  }
  out += NotCounted(terminal, comparison, details);
  out += "\n";
  if (comparison.pick != analysis::Pick::kLast) {
    out += Wrapped(StrCat("each run counts with its ", analysis::PickName(comparison.pick), " ",
                          comparison.metric),
                   terminal.columns);
  }
  for (const std::string& note : comparison.notes)
    out += Wrapped(cli::Printable(note, false), terminal.columns);
  return out;
}

}  // namespace shoal::report
