// The comparison of settings: a metric's mean and interval over seeds, the difference to a
// baseline, what each setting costs; and every run that could not be counted, with the reason.
// Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/analysis/grouping.h"
#include "cli/analysis/statistics.h"
#include "shoal/v1/run.pb.h"

namespace shoal::analysis {

// Which point of a run's curve stands for the run.
enum class Pick { kLast, kMin, kMax, kBest };

struct CompareOptions {
  std::vector<std::string> by;  // paths; empty: all that differ but the seed
  std::string metric;           // empty: held_out/loss, or bits per byte where tokenizers differ
  Pick pick = Pick::kLast;
  double confidence = 0.95;
  // "model.n_layers=2" (conditions, with commas between), a run's name or id; empty: the first.
  std::string baseline;
  std::string sort = "setting";  // setting | metric | parameters | flops | speed | time
};

struct RunValue {
  size_t run = 0;               // index
  std::optional<double> value;  // of the metric, where there is one
  bool counted = false;         // finished, finite, the first of its kind
  std::string reason;           // why not; empty when counted
};

struct SettingResult {
  Setting setting;
  std::vector<RunValue> runs;     // as many as setting.runs
  Summary metric;                 // over the counted runs
  std::optional<Interval> range;  // of the mean; absent for one run
  int64_t parameters_min = 0, parameters_max = 0;
  Summary train_flops;        // over runs that know
  Summary tokens_per_second;  // over counted runs
  Summary compute_seconds;
  std::optional<Difference> difference;  // to the baseline; absent for itself, and without values
};

struct Comparison {
  std::string metric;
  Pick pick = Pick::kLast;
  bool higher_is_better = false;
  double confidence = 0.95;
  std::vector<Differing> columns;
  std::vector<Differing> others;
  std::vector<SettingResult> settings;
  std::optional<size_t> baseline;  // an index; absent for a single setting
  bool baseline_chosen = false;
  std::optional<size_t> best;      // smallest (or largest) mean; absent for a single setting
  std::vector<std::string> notes;  // what a reader must know, a sentence each
};

// `details[i].run` is set; with spec and bindings. Errors: InvalidArgument (an unknown path),
// NotFound (no run has the metric, no setting is that baseline), listing what there is.
absl::StatusOr<Comparison> Compare(std::span<const v1::RunDetail> details,
                                   const CompareOptions& options);

// Whether more of it is better, by its name: accuracy, f1, tokens per second.
bool HigherIsBetter(std::string_view metric);
std::string_view PickName(Pick pick);  // "last"
// "best" becomes the smallest or the largest.
Pick Resolved(Pick pick, bool higher_is_better);

// What the run's summary says; absent where it has no finite value.
std::optional<double> PickedValue(const v1::Run& run, const std::string& metric, Pick pick);
// Speed of its training steps, evaluations and saving left out: the mean over the curve of a run
// that has ended, the newest point of one that goes on.
std::optional<double> TokensPerSecond(const v1::Run& run);
// From its first lease to its end: also what it waited, paused or was silent in between.
std::optional<double> WallSeconds(const v1::Run& run);
// What its attempts took together, lost ones up to their last report; absent until it has ended.
std::optional<double> ComputeSeconds(const v1::Run& run);
// Of all its steps, as the client counted them; of an older run what it recorded itself, once it
// has finished.
std::optional<double> TrainFlops(const v1::Run& run);

}  // namespace shoal::analysis
