// Data sets as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "cli/output/terminal.h"
#include "core/data/dataset/record.h"
#include "shoal/v1/dataset.pb.h"

namespace shoal::cli {

// "11,879 records = 11,879 examples + 0 malformed + 0 empty".
std::string RecordsLine(const v1::ImportReport& report);
// "file:line: reason", one a line, at most `limit`; ends with how many are not shown.
std::string ProblemLines(const v1::ImportReport& report, int limit);
// "10,691 training examples, 1,188 held out".
std::string PartsLine(const v1::Dataset& dataset);
// Labels (or topics) with their counts on both sides, most frequent first, at most `limit`.
std::string LabelTable(const Terminal& terminal, const v1::Dataset& dataset, int limit);
// How many examples are how long, as bars.
std::string LengthHistogram(const Terminal& terminal, const v1::Dataset& dataset);
// One example on a few lines.
std::string SampleText(const Terminal& terminal, const data::Record& record);

}  // namespace shoal::cli
