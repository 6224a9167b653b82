// What each side of a data set holds, and what repeats. Internal to core/data.
#pragma once

#include <vector>

#include "core/data/lint/lint.h"

namespace shoal::data {

// Fills the sides and totals, repeated, unresolved and topics of the report.
void CountExamples(const std::vector<Example>& train, const std::vector<Example>& held_out,
                   const LintOptions& options, LintReport& report);

}  // namespace shoal::data
