// What a reader of a comparison must know to read it right. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/analysis/comparison.h"

namespace shoal::analysis {

// A sentence each: what the intervals and differences are, which runs were reused, and whatever
// makes figures hard to compare (tokenizers or held-out data that differ, settings that are
// averages of others). `metric_chosen`: a person named the metric.
std::vector<std::string> NotesOn(const Comparison& comparison,
                                 std::span<const v1::RunDetail> details, bool metric_chosen);

// Whether two of the runs were bound to different files in this role.
bool DigestsDiffer(std::span<const v1::RunDetail> details, v1::BindingRole role);

}  // namespace shoal::analysis
