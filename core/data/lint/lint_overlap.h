// What of the held-out side occurs in training. Internal to core/data.
#pragma once

#include <vector>

#include "core/data/lint/lint.h"

namespace shoal::data {

// Fills exact, near, input, output, lines, ngrams, with_ngram, mostly_ngrams and leaks of the
// report; `report.document` is set. Holds tables of the held-out side only; training streams by.
void FindOverlaps(const std::vector<Example>& train, const std::vector<Example>& held_out,
                  const LintOptions& options, LintReport& report);

}  // namespace shoal::data
