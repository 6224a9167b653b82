// Whether two tables number their classes alike, told by their words: published copies of one set
// do not always agree. Internal to core/data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/import/import.h"
#include "core/data/import/table_shape.h"

namespace shoal::data {

// A table with one column of numbered classes.
struct NumberedTable {
  std::string path;
  char delimiter = ',';
  TableShape shape;
};

// For class i of `other`, the class of `trained` that its texts are most like: [classes], counted
// from 0. A naive Bayes classifier over the words of `trained` says what each text of `other` is;
// what most of a class are is its class there. Nothing when that is no one-to-one relation, or when
// a class has fewer than 20 texts in either table: then it cannot be told. Both shapes name the
// same number of classes. Errors: those of reading.
absl::StatusOr<std::optional<std::vector<size_t>>> MatchClasses(const NumberedTable& trained,
                                                                const NumberedTable& other,
                                                                const ImportOptions& options);

}  // namespace shoal::data
