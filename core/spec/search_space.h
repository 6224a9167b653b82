// Expands a sweep into its runs: a pure function, the same everywhere, in one fixed order.
//
// Trials are numbered from 0: variants as listed vary slowest, then the paths of `space` in
// alphabetical order with `seed` last (so that the repetitions of one setting are neighbours); the
// values as listed. A run is named by what differs:
//   tiny-L4   tiny-L4-lr0.001   quickstart-small-s2
// with short tags for common fields (L n_layers, d d_model, h n_heads, ff d_ff, ctx max_seq,
// v vocab_size, s seed, lr, b batch size, t steps); other fields by their last name.
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
// sentences about trials are listed, then how many more.
absl::StatusOr<std::vector<Trial>> ExpandSweep(const v1::SweepSpec& sweep,
                                               const Positions* positions = nullptr);

// The field paths that a sweep varies, in the order above.
std::vector<std::string> VariedPaths(const v1::SweepSpec& sweep);

// "model.n_layers" and "4" -> "L4"; characters that a name may not hold become '_'.
std::string ShortTag(std::string_view path, std::string_view value);

// Adds "model.n_layers=1,2,4" (from `--vary`) to a sweep's space. The path's type is checked.
absl::Status ApplyVary(v1::SweepSpec& sweep, std::string_view vary, Positions* positions = nullptr);

}  // namespace shoal::spec
