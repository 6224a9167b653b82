// From a run's data files to examples: which file is read how, and what is held out. The command
// line (which trains the tokenizer) and the runner (which trains the model) must see the same
// split, so both come here.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/data/text_source.h"

namespace shoal::data {

// A data file. `name` tells the format by its extension (".txt" is plain text, anything else
// JSONL); `path` is where the bytes are.
struct TextFile {
  std::string path;
  std::string name;
};

// Reads training and held-out examples. Without a held-out file (empty path) `held_out_fraction` of
// the training file is kept apart: the end of a plain text, conversations by content; the split
// does not depend on a run's seed, so runs that differ in it are compared on the same examples.
// Errors: those of reading, naming the file.
absl::StatusOr<SplitSource> ReadTrainingText(const TextFile& train, const TextFile& held_out,
                                             double held_out_fraction);

}  // namespace shoal::data
