// Expands a sweep into its runs: a pure function, the same everywhere, in one fixed order.
//
// Strategy grid: variants as listed vary slowest, then the paths of `space` in alphabetical order
// with `seed` last (so that the repetitions of one setting are neighbours); the values as listed, a
// range from `min` to `max`. A path with a condition (`when`) varies only in the trials where the
// condition holds; elsewhere it has the base's value, once.
//
// Strategy random: trial t takes each path's value from a stream of its own (sweep seed, path, t),
// so that the first n trials of a longer sweep are the shorter sweep's, and a path added elsewhere
// shifts nothing. Lists are drawn uniformly, ranges uniformly in their value or its logarithm. A
// setting that an earlier trial has is drawn again.
//
// Repeats are innermost: repeat 1 has the setting's own seed, the others seeds derived from it.
// A run is named by what differs:
//   tiny-L4   tiny-L4-lr0.001   quickstart-small-s2
// with short tags for common fields (L n_layers, d d_model, h n_heads, ff d_ff, ctx max_seq,
// v vocab_size, s seed or repeat, lr, b batch size, t steps); other fields by their last name.
// Constants (paths with one value) are set but do not differ.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/spec/spec.h"
#include "shoal/v1/spec.pb.h"

namespace shoal::spec {

inline constexpr int64_t kMaxTrials = 10'000;

struct Trial {
  int32_t index = 0;                   // from 0
  v1::RunSpec spec;                    // complete; its `name` is the trial's name
  std::string name;                    // unique within the sweep
  std::vector<std::string> differing;  // "model.n_layers=4", in the order above
};

// Errors: INVALID_ARGUMENT listing every violation: unknown paths, values of the wrong type or out
// of range, a value twice, more than kMaxTrials runs, and for the runs themselves what Validate
// says. A sentence that holds for every trial is said once, without a trial; otherwise it names the
// first trial and how many more ("trial 3 (tiny-d100): model.n_heads: ..."). At most 20 different
// sentences about trials are listed, then how many more. Two trials with the same spec are refused.
absl::StatusOr<std::vector<Trial>> ExpandSweep(const v1::SweepSpec& sweep,
                                               const Positions* positions = nullptr);

// The field paths that a sweep varies, in the order above, without constants.
std::vector<std::string> VariedPaths(const v1::SweepSpec& sweep);

// What a trial is but for its name: equal texts, equal runs.
std::string TrialKey(const Trial& trial);

// The seeds of a setting's repeats: its own, then different ones below 2^31 derived from it. The
// first n of more repeats are those of n repeats.
std::vector<uint64_t> RepeatSeeds(uint64_t seed, int32_t repeats);

// "model.n_layers" and "4" -> "L4"; characters that a name may not hold become '_'.
std::string ShortTag(std::string_view path, std::string_view value);

// Adds an axis as written on a command line (`--vary`) to a sweep's space; one that is there is
// replaced. The path's type is checked.
//   model.n_layers=1,2,4                a list of values
//   model.n_layers=1..8                 a range: integers one by one
//   model.d_model=64..256:step=32       in steps
//   train.optimizer.lr=1e-4..1e-2:log:5 five points at equal ratios
//   train.optimizer.lr=1e-4..1e-2:log   any value, for strategy random
absl::Status ApplyVary(v1::SweepSpec& sweep, std::string_view vary, Positions* positions = nullptr);

}  // namespace shoal::spec
