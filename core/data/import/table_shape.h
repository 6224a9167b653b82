// What the columns of a delimited text are. Internal to core/data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/import/import.h"

namespace shoal::data {

struct TableShape {
  size_t columns = 0;  // of every good record
  bool header = false;
  std::vector<size_t> text;  // columns that are joined by a space; none: prompt and response
  std::vector<size_t> prompt;
  std::vector<size_t> response;
  std::vector<size_t> label;  // may be empty
  std::vector<size_t> topic;  // may be empty
  // Names of numbered classes: number n is class_names[n - first_class]. Empty: as they are.
  std::vector<std::string> class_names;
  int64_t first_class = 0;
  std::string what;  // "AG News (4 classes)", for people
};

// ',' or '\t' by the extension; another when the file's first records have one column with that,
// and several with another.
absl::StatusOr<char> DelimiterOf(const std::string& path, const ImportOptions& options);

// Reads the whole file once. Errors: InvalidArgument (an unknown column, or what cannot be told
// without being asked, with the option that tells it); those of reading.
absl::StatusOr<TableShape> SurveyTable(const std::string& path, const std::string& name,
                                       char delimiter, const ImportOptions& options);

}  // namespace shoal::data
