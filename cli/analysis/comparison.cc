#include "cli/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "cli/analysis/comparison_notes.h"
#include "core/base/status.h"
#include "core/spec/fields.h"
#include "core/spec/run_status.h"

namespace shoal::analysis {
namespace {

constexpr std::string_view kLoss = "held_out/loss";
constexpr std::string_view kBitsPerByte = "held_out/bits_per_byte";

const v1::MetricSummary* Find(const v1::Run& run, const std::string& metric) {
  const auto it = run.metrics().find(metric);
  return it == run.metrics().end() ? nullptr : &it->second;
}

absl::StatusOr<std::string> ChooseMetric(std::span<const v1::RunDetail> details,
                                         const std::string& asked) {
  std::set<std::string> known;
  for (const v1::RunDetail& detail : details) {
    for (const auto& [name, summary] : detail.run().metrics()) known.insert(name);
  }
  std::string metric = asked;
  if (metric.empty()) {
    metric = DigestsDiffer(details, v1::BINDING_ROLE_TOKENIZER) &&
                     known.contains(std::string(kBitsPerByte))
                 ? kBitsPerByte
                 : kLoss;
  }
  if (known.empty() || known.contains(metric)) return metric;
  const std::vector<std::string> names(known.begin(), known.end());
  const auto nearest = spec::Nearest(metric, names);
  return absl::NotFoundError(StrCat("no run has the metric '", metric, "'",
                                    nearest ? StrCat("; did you mean '", *nearest, "'?") : "",
                                    " They have: ", StrJoin(names, ", ")));
}

// Why the run's value cannot stand among the others; empty: it can.
std::string WhyNotCounted(const v1::Run& run, const std::string& metric,
                          const std::optional<double>& value) {
  const v1::MetricSummary* summary = Find(run, metric);
  if (run.status() != v1::RUN_STATUS_SUCCEEDED) {
    std::string why =
        StrCat(spec::Name(run.status()), " at step ", run.step(), " of ", run.total_steps());
    if (!run.status_reason().empty()) StrAppend(why, ": ", run.status_reason());
    return why;
  }
  if (summary == nullptr) return StrCat("has no ", metric);
  if (!value.has_value()) return StrCat(metric, " is not a number");
  return "";
}

SettingResult Summarized(const Grouping& grouping, const Setting& setting,
                         std::span<const v1::RunDetail> details, const Comparison& comparison) {
  SettingResult result;
  result.setting = setting;
  std::map<std::string, size_t> seen;  // replicate -> the run that stands for it
  std::vector<double> values, flops, speeds, times;
  for (const size_t r : setting.runs) {
    const v1::Run& run = details[r].run();
    RunValue& one = result.runs.emplace_back();
    one.run = r;
    one.value =
        PickedValue(run, comparison.metric, Resolved(comparison.pick, comparison.higher_is_better));
    one.reason = WhyNotCounted(run, comparison.metric, one.value);
    const int64_t parameters = run.parameters();
    result.parameters_min =
        result.runs.size() == 1 ? parameters : std::min(result.parameters_min, parameters);
    result.parameters_max = std::max(result.parameters_max, parameters);
    if (const auto count = TrainFlops(run)) flops.push_back(*count);
    if (!one.reason.empty()) continue;
    const auto [first, is_new] = seen.try_emplace(grouping.replicates[r], r);
    if (!is_new) {
      one.reason = StrCat("repeats ", details[first->second].run().name(),
                          ": the same in all that ", "matters, so it is no further sample");
      continue;
    }
    one.counted = true;
    values.push_back(*one.value);
    if (const auto speed = TokensPerSecond(run)) speeds.push_back(*speed);
    if (const auto time = ComputeSeconds(run)) times.push_back(*time);
  }
  result.metric = Describe(values);
  result.range = MeanInterval(result.metric, comparison.confidence);
  result.train_flops = Describe(flops);
  result.tokens_per_second = Describe(speeds);
  result.compute_seconds = Describe(times);
  return result;
}

std::map<std::string, double> ByReplicate(const SettingResult& result,
                                          const std::vector<std::string>& replicates) {
  std::map<std::string, double> values;
  for (const RunValue& run : result.runs) {
    if (run.counted) values.emplace(replicates[run.run], *run.value);
  }
  return values;
}

// Paired over the replicates that both have; when they share none, unpaired.
std::optional<Difference> Against(const SettingResult& result, const SettingResult& baseline,
                                  const std::vector<std::string>& replicates, double confidence) {
  const auto mine = ByReplicate(result, replicates), theirs = ByReplicate(baseline, replicates);
  if (mine.empty() || theirs.empty()) return std::nullopt;
  std::vector<double> a, b;
  for (const auto& [replicate, value] : mine) {
    const auto partner = theirs.find(replicate);
    if (partner == theirs.end()) continue;
    a.push_back(value);
    b.push_back(partner->second);
  }
  if (!a.empty()) return PairedDifference(a, b, confidence);
  for (const auto& [replicate, value] : mine) a.push_back(value);
  for (const auto& [replicate, value] : theirs) b.push_back(value);
  return UnpairedDifference(a, b, confidence);
}

bool Fulfils(const Setting& setting, const std::vector<Differing>& columns,
             std::string_view condition) {
  const size_t equals = condition.find('=');
  const std::string_view path = condition.substr(0, equals);
  const std::string_view value = condition.substr(equals + 1);
  for (size_t c = 0; c < columns.size(); ++c) {
    if (path != columns[c].path && path != columns[c].title &&
        path != SpokenPath(columns[c].path)) {
      continue;
    }
    return setting.values[c].text == value || setting.values[c].shown == value;
  }
  return false;
}

absl::StatusOr<size_t> FindBaseline(const Comparison& comparison,
                                    std::span<const v1::RunDetail> details,
                                    const std::string& wanted) {
  std::vector<size_t> found;
  for (size_t s = 0; s < comparison.settings.size(); ++s) {
    const Setting& setting = comparison.settings[s].setting;
    const std::vector<std::string_view> conditions = StrSplit(wanted, ',');
    const bool fits =
        wanted == setting.label ||
        (wanted.find('=') != std::string::npos &&
         std::all_of(conditions.begin(), conditions.end(), [&](std::string_view condition) {
           return Fulfils(setting, comparison.columns, StripSpace(condition));
         }));
    const bool names_run = std::any_of(setting.runs.begin(), setting.runs.end(), [&](size_t r) {
      return details[r].run().name() == wanted || details[r].run().run_id() == wanted;
    });
    if (fits || names_run) found.push_back(s);
  }
  if (found.size() == 1) return found.front();
  std::string labels;
  for (const SettingResult& result : comparison.settings)
    StrAppend(labels, "\n  ", result.setting.label);
  return found.empty()
             ? absl::NotFoundError(StrCat("--baseline: no setting is '", wanted,
                                          "'; name one of these, or one of their runs:", labels))
             : absl::InvalidArgumentError(StrCat("--baseline: '", wanted, "' is ", found.size(),
                                                 " settings; say more, of these:", labels));
}

double SortKey(const SettingResult& result, const Comparison& comparison, const std::string& by) {
  const auto known = [](const Summary& summary, double sign) {
    return summary.count > 0 ? sign * summary.mean : HUGE_VAL;  // what is not known comes last
  };
  if (by == "metric") return known(result.metric, comparison.higher_is_better ? -1 : 1);
  if (by == "parameters") return static_cast<double>(result.parameters_min);
  if (by == "flops") return known(result.train_flops, 1);
  if (by == "speed") return known(result.tokens_per_second, -1);
  if (by == "time") return known(result.compute_seconds, 1);
  return 0;
}

void MarkBest(Comparison& comparison) {
  if (comparison.settings.size() < 2) return;
  for (size_t s = 0; s < comparison.settings.size(); ++s) {
    const Summary& mine = comparison.settings[s].metric;
    if (mine.count == 0) continue;
    if (!comparison.best) comparison.best = s;
    const double best = comparison.settings[*comparison.best].metric.mean;
    if (comparison.higher_is_better ? mine.mean > best : mine.mean < best) comparison.best = s;
  }
}

}  // namespace

absl::StatusOr<Comparison> Compare(std::span<const v1::RunDetail> details,
                                   const CompareOptions& options) {
  Comparison comparison;
  SHOAL_ASSIGN_OR_RETURN(comparison.metric, ChooseMetric(details, options.metric));
  comparison.pick = options.pick;
  comparison.confidence = options.confidence;
  comparison.higher_is_better = HigherIsBetter(comparison.metric);
  SHOAL_ASSIGN_OR_RETURN(Grouping grouping, GroupRuns(details, options.by));
  for (const Setting& setting : grouping.settings)
    comparison.settings.push_back(Summarized(grouping, setting, details, comparison));
  comparison.columns = std::move(grouping.columns);
  comparison.others = std::move(grouping.others);
  std::stable_sort(comparison.settings.begin(), comparison.settings.end(),
                   [&](const SettingResult& a, const SettingResult& b) {
                     return SortKey(a, comparison, options.sort) <
                            SortKey(b, comparison, options.sort);
                   });
  comparison.baseline_chosen = !options.baseline.empty();
  if (comparison.baseline_chosen) {
    SHOAL_ASSIGN_OR_RETURN(comparison.baseline,
                           FindBaseline(comparison, details, options.baseline));
  } else if (comparison.settings.size() > 1) {
    // The first as the runs came, wherever sorting has put it; one without a value is no measure.
    size_t first_run = details.size();
    for (size_t s = 0; s < comparison.settings.size(); ++s) {
      const SettingResult& result = comparison.settings[s];
      if (result.metric.count == 0 || result.setting.runs.front() >= first_run) continue;
      first_run = result.setting.runs.front();
      comparison.baseline = s;
    }
  }
  for (size_t s = 0; comparison.baseline && s < comparison.settings.size(); ++s) {
    if (s == *comparison.baseline) continue;
    comparison.settings[s].difference =
        Against(comparison.settings[s], comparison.settings[*comparison.baseline],
                grouping.replicates, options.confidence);
  }
  MarkBest(comparison);
  comparison.notes = NotesOn(comparison, details, !options.metric.empty());
  return comparison;
}

bool HigherIsBetter(std::string_view metric) {
  for (const std::string_view word : {"accuracy", "f1", "per_s", "auc", "precision", "recall"}) {
    if (metric.find(word) != std::string_view::npos) return true;
  }
  return false;
}

std::string_view PickName(Pick pick) {
  constexpr std::string_view kNames[] = {"last", "min", "max", "best"};
  return kNames[static_cast<size_t>(pick)];
}

Pick Resolved(Pick pick, bool higher_is_better) {
  if (pick != Pick::kBest) return pick;
  return higher_is_better ? Pick::kMax : Pick::kMin;
}

std::optional<double> PickedValue(const v1::Run& run, const std::string& metric, Pick pick) {
  const v1::MetricSummary* summary = Find(run, metric);
  if (summary == nullptr || summary->count() == summary->not_finite()) return std::nullopt;
  const Pick resolved = Resolved(pick, HigherIsBetter(metric));
  const double value = resolved == Pick::kLast  ? summary->last()
                       : resolved == Pick::kMin ? summary->min()
                                                : summary->max();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> WallSeconds(const v1::Run& run) {
  if (!run.has_started_at() || !run.has_finished_at()) return std::nullopt;
  const auto seconds = [](const google::protobuf::Timestamp& time) {
    return static_cast<double>(time.seconds()) + time.nanos() * 1e-9;
  };
  return seconds(run.finished_at()) - seconds(run.started_at());
}

std::optional<double> TrainFlops(const v1::Run& run) {
  if (run.train_flops() > 0) return run.train_flops();
  if (run.status() != v1::RUN_STATUS_SUCCEEDED) return std::nullopt;
  return PickedValue(run, "train/flops", Pick::kLast);
}

std::optional<double> TokensPerSecond(const v1::Run& run) {
  const v1::MetricSummary* speed = Find(run, "train/tokens_per_s");
  if (speed != nullptr && spec::IsFinal(run.status()) && speed->has_mean()) return speed->mean();
  return PickedValue(run, "train/tokens_per_s", Pick::kLast);
}

std::optional<double> ComputeSeconds(const v1::Run& run) {
  if (!run.has_finished_at()) return std::nullopt;
  return run.compute_seconds() > 0 ? std::optional(run.compute_seconds()) : WallSeconds(run);
}

}  // namespace shoal::analysis
