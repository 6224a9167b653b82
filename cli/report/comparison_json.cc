#include <string>

#include "cli/output/json.h"
#include "cli/report/comparison_text.h"
#include "core/base/strings.h"

namespace shoal::report {
namespace {

using analysis::Comparison;
using analysis::Difference;
using analysis::SettingResult;
using cli::JsonNumber;
using cli::JsonText;

std::string Number(const std::optional<double>& value) {
  return value ? JsonNumber(*value) : "null";
}
std::string Mean(const analysis::Summary& summary) {
  return summary.count > 0 ? JsonNumber(summary.mean) : "null";
}

std::string ValueOf(const analysis::FlatField& field) {
  return field.is_text ? JsonText(field.text) : field.text;
}

// "low":1.2,"high":1.4
std::string Bounds(const std::optional<analysis::Interval>& range) {
  return range ? StrCat("\"low\":", JsonNumber(range->low), ",\"high\":", JsonNumber(range->high))
               : "\"low\":null,\"high\":null";
}

std::string_view KindName(Difference::Kind kind) {
  switch (kind) {
    case Difference::Kind::kPaired:
      return "paired";
    case Difference::Kind::kUnpaired:
      return "unpaired";
    default:
      return "single";
  }
}

std::string DifferenceJson(const Difference& difference) {
  return StrCat("{\"kind\":", JsonText(KindName(difference.kind)), ",\"pairs\":", difference.pairs,
                ",\"mean\":", JsonNumber(difference.mean), ",", Bounds(difference.interval),
                ",\"t\":", Number(difference.t), ",\"degrees\":", Number(difference.degrees),
                ",\"p\":", Number(difference.p), ",\"wilcoxon_p\":", Number(difference.wilcoxon),
                "}");
}

std::string RunJson(const analysis::RunValue& one, const v1::RunDetail& detail) {
  const v1::Run& run = detail.run();
  const std::string status = v1::RunStatus_Name(run.status()).substr(sizeof("RUN_STATUS_") - 1);
  return StrCat("{\"run_id\":", JsonText(run.run_id()), ",\"name\":", JsonText(run.name()),
                ",\"seed\":", detail.spec().seed(), ",\"status\":", JsonText(status),
                ",\"reused\":", run.reused() ? "true" : "false", ",\"value\":", Number(one.value),
                ",\"counted\":", one.counted ? "true" : "false",
                ",\"reason\":", JsonText(one.reason), "}");
}

std::string SettingJson(const Comparison& comparison, const SettingResult& result,
                        std::span<const v1::RunDetail> details) {
  std::string values = "{", runs = "[";
  for (size_t c = 0; c < comparison.columns.size(); ++c) {
    StrAppend(values, c > 0 ? "," : "", JsonText(comparison.columns[c].path), ":",
              ValueOf(result.setting.values[c]));
  }
  for (const analysis::RunValue& one : result.runs)
    StrAppend(runs, runs.size() > 1 ? "," : "", RunJson(one, details[one.run]));
  return StrCat("{\"setting\":", JsonText(result.setting.label), ",\"values\":", values, "},",
                "\"parameters\":", result.parameters_min,
                ",\"parameters_max\":", result.parameters_max,
                ",\"train_flops\":", Mean(result.train_flops), ",\"n\":", result.metric.count,
                ",\"mean\":", Mean(result.metric), ",\"sd\":", Number(result.metric.sd), ",",
                Bounds(result.range),
                ",\"min\":", result.metric.count > 0 ? JsonNumber(result.metric.min) : "null",
                ",\"max\":", result.metric.count > 0 ? JsonNumber(result.metric.max) : "null",
                ",\"difference\":", result.difference ? DifferenceJson(*result.difference) : "null",
                ",\"tokens_per_s\":", Mean(result.tokens_per_second),
                ",\"compute_s\":", Mean(result.compute_seconds), ",\"runs\":", runs, "]}");
}

template <typename Range, typename Text>
std::string List(const Range& elements, Text text) {
  std::string out = "[";
  for (const auto& element : elements) StrAppend(out, out.size() > 1 ? "," : "", text(element));
  return out + "]";
}

}  // namespace

std::string ComparisonJson(const Comparison& comparison, std::span<const v1::RunDetail> details) {
  const auto path = [](const analysis::Differing& field) { return JsonText(field.path); };
  const auto label = [&](const std::optional<size_t>& index) {
    return index ? JsonText(comparison.settings[*index].setting.label) : "null";
  };
  return StrCat(
      "\"metric\":", JsonText(comparison.metric),
      ",\"pick\":", JsonText(analysis::PickName(comparison.pick)),
      ",\"higher_is_better\":", comparison.higher_is_better ? "true" : "false",
      ",\"confidence\":", JsonNumber(comparison.confidence),
      ",\"differing\":", List(comparison.columns, path),
      ",\"repeated_over\":", List(comparison.others, path),
      ",\"baseline\":", label(comparison.baseline), ",\"best\":", label(comparison.best),
      ",\"settings\":",
      List(comparison.settings,
           [&](const SettingResult& result) { return SettingJson(comparison, result, details); }),
      ",\"notes\":",
      List(comparison.notes, [](const std::string& note) { return JsonText(note); }));
}

}  // namespace shoal::report
