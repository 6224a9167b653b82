#include "cli/analysis/comparison_notes.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/strings.h"

namespace shoal::analysis {
namespace {

std::string Percent(double confidence) { return StrCat(confidence * 100, "%"); }

// The classes that counted runs were computed in; a class is known from the first lease on.
size_t NumericsClasses(const Comparison& comparison, std::span<const v1::RunDetail> details) {
  std::set<std::string> classes;
  for (const SettingResult& result : comparison.settings) {
    for (const RunValue& one : result.runs) {
      const v1::Run& run = details[one.run].run();
      if (one.counted && run.has_numerics())
        classes.insert(StrCat(run.numerics().backend(), " ", run.numerics().numerics_version(), " ",
                              run.numerics().isa(), " ", run.numerics().dtype()));
    }
  }
  return classes.size();
}

void NoteIntervals(const Comparison& comparison, std::vector<std::string>& notes) {
  const auto with_range = std::count_if(comparison.settings.begin(), comparison.settings.end(),
                                        [](const SettingResult& r) { return r.range.has_value(); });
  const bool single = std::any_of(comparison.settings.begin(), comparison.settings.end(),
                                  [](const SettingResult& r) { return r.metric.count == 1; });
  if (with_range > 0) {
    notes.push_back(StrCat("± is the ", Percent(comparison.confidence),
                           " interval of the mean over seeds (Student's t)",
                           single ? "; one run alone has none" : ""));
  } else if (single) {
    notes.push_back(
        "one run a setting: no interval, and no test; `repeats: 5` in a sweep, or --vary "
        "seed=1,2,3,4,5, trains each setting several times");
  }
}

// What runs that are compared one by one must be alike in, beside the seed: "train.optimizer.lr".
std::string ElseDiffering(const Comparison& comparison) {
  std::string list;
  for (const Differing& other : comparison.others) {
    if (other.path != "seed" && !IsDigestPath(other.path))
      StrAppend(list, list.empty() ? "" : ", ", other.path);
  }
  return list;
}

void NoteDifferences(const Comparison& comparison, std::vector<std::string>& notes) {
  if (!comparison.baseline) return;
  const std::string& label = comparison.settings[*comparison.baseline].setting.label;
  std::string note =
      StrCat("baseline: ", label, comparison.baseline_chosen ? "" : ", the first setting");
  int paired = 0, unpaired = 0, single = 0;
  int64_t least_pairs = INT64_MAX, most_pairs = 0;
  for (const SettingResult& result : comparison.settings) {
    if (!result.difference) continue;
    switch (result.difference->kind) {
      case Difference::Kind::kPaired:
        ++paired;
        least_pairs = std::min(least_pairs, result.difference->pairs);
        most_pairs = std::max(most_pairs, result.difference->pairs);
        break;
      case Difference::Kind::kUnpaired:
        ++unpaired;
        break;
      case Difference::Kind::kSingle:
        ++single;
        break;
    }
  }
  notes.push_back(note);
  const std::string differing = ElseDiffering(comparison);
  if (paired > 0) {
    notes.push_back(StrCat("differences are paired over ",
                           differing.empty() ? "the seeds that both settings share ("
                                             : "the runs that are alike in all else (",
                           least_pairs,
                           most_pairs > least_pairs ? StrCat(" to ", most_pairs) : std::string(),
                           " pairs); p: two-sided paired t-test"));
  }
  if (unpaired > 0) {
    notes.push_back(StrCat(paired > 0 ? StrCat(unpaired, unpaired == 1 ? " setting" : " settings")
                                      : std::string("the settings"),
                           " and the baseline ",
                           differing.empty()
                               ? "share no seed"
                               : StrCat("have no two runs alike in all else (", differing, ")"),
                           ": difference unpaired, by Welch's t-test"));
  }
  if (paired + unpaired > 1) {
    notes.push_back(StrCat("each p stands for itself; ", paired + unpaired,
                           " were looked at, so expect a small one by chance"));
  }
}

void NoteOthers(const Comparison& comparison, std::vector<std::string>& notes) {
  for (const Differing& other : comparison.others) {
    if (other.path == "seed" || IsDigestPath(other.path)) continue;
    std::set<std::string> values;
    for (const FlatField& field : other.of_run) values.insert(field.text);
    notes.push_back(
        StrCat("settings are averages over ", other.path, " too (", values.size(), " values)"));
  }
}

void NoteData(const Comparison& comparison, std::span<const v1::RunDetail> details,
              bool metric_chosen, std::vector<std::string>& notes) {
  const std::string& metric = comparison.metric;
  const bool in_nats = metric.ends_with("/loss") || metric.ends_with("/perplexity");
  if (DigestsDiffer(details, v1::BINDING_ROLE_TOKENIZER)) {
    if (in_nats) {
      notes.push_back(StrCat("tokenizers differ: ", metric,
                             " is per token, and tokens are not alike; compare --metric "
                             "held_out/bits_per_byte"));
    } else if (!metric_chosen && metric == "held_out/bits_per_byte") {
      notes.push_back(
          "tokenizers differ, so a loss per token could not be compared: these are bits per byte");
    }
  }
  if (metric.starts_with("held_out/") && DigestsDiffer(details, v1::BINDING_ROLE_HELD_OUT)) {
    notes.push_back(StrCat("held-out data differ: ", metric, " is of different texts"));
  }
}

}  // namespace

bool DigestsDiffer(std::span<const v1::RunDetail> details, v1::BindingRole role) {
  std::set<std::string> digests;
  for (const v1::RunDetail& detail : details) {
    for (const v1::DataBinding& binding : detail.bindings()) {
      if (binding.role() == role) digests.insert(binding.sha256());
    }
  }
  return digests.size() > 1;
}

std::vector<std::string> NotesOn(const Comparison& comparison,
                                 std::span<const v1::RunDetail> details, bool metric_chosen) {
  std::vector<std::string> notes;
  NoteIntervals(comparison, notes);
  NoteDifferences(comparison, notes);
  NoteOthers(comparison, notes);
  NoteData(comparison, details, metric_chosen, notes);
  if (comparison.pick != Pick::kLast && comparison.metric.starts_with("held_out/")) {
    notes.push_back(
        "evaluations on the way may see fewer examples than the last "
        "(evaluate.max_examples)");
  }
  if (NumericsClasses(comparison, details) > 1) {
    notes.push_back(
        "runs were computed in different numerics classes: speeds, and the last digits, "
        "are of different machines");
  }
  std::vector<std::string> reused;
  for (const v1::RunDetail& detail : details) {
    if (detail.run().reused()) reused.push_back(detail.run().name());
  }
  if (!reused.empty())
    notes.push_back(StrCat("reused, trained before this sweep: ", StrJoin(reused, ", ")));
  return notes;
}

}  // namespace shoal::analysis
