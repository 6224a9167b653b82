// The two sides of data to look at: a data set of the lab, files, a folder, or a persona.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/text_source.h"

namespace shoal::cli {

struct LintSource {
  std::string train_name;     // how its lines are quoted: "train.jsonl"
  std::string held_out_name;  // the same name when one file was split
  std::vector<data::Example> train;
  std::vector<data::Example> held_out;
  std::vector<std::string> notes;  // malformed lines and the like
};

struct LintSourceOptions {
  double held_out_fraction = 0.05;  // of a single file, and of a persona
  int64_t conversations = 60'000;   // of a persona
  uint64_t seed = 1;
};

// `source` is a folder with train.* and one of eval, held_out, val, valid, validation, dev or test,
// each .jsonl or .txt; a file of one of these kinds, with `held_out` or split as training would
// split it; or a persona's .yaml. Other files and folders are read as an import reads them; lines
// are then those of what it would store. Errors: NotFound; InvalidArgument (nothing usable in it,
// `held_out` beside a source that has its own); those of importing.
absl::StatusOr<LintSource> ReadLintSource(const std::string& source, const std::string& held_out,
                                          const LintSourceOptions& options);

// A training file and a held-out file (empty: split) of Shoal's own shape, which problems and lines
// name as train_name and held_out_name.
absl::StatusOr<LintSource> ReadLintFiles(const std::string& train, const std::string& held_out,
                                         double held_out_fraction);

}  // namespace shoal::cli
