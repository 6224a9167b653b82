// What a pass over a table finds in its columns. Internal to core/data.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "core/data/import/csv_reader.h"

namespace shoal::data {

struct ColumnSurvey {
  int64_t values = 0;
  bool whole_numbers = true;  // of at most four digits
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t greatest = std::numeric_limits<int64_t>::min();
  size_t longest = 0;  // bytes
  bool many = false;   // more different values than are kept
  absl::flat_hash_set<std::string> different;

  void Add(std::string_view value);
  // Could number or name classes: whole numbers, or short values of which each occurs often.
  bool LooksLikeLabels() const;
};

struct TableSurvey {
  std::map<size_t, int64_t> widths;   // records by how many columns they have
  std::vector<std::string> first;     // the first good record
  std::vector<ColumnSurvey> columns;  // over the records after the first
  bool all_quoted = true;
  int64_t records = 0;
  int64_t news_marks = 0;  // records with an agency's name or AG News' broken HTML entities

  void Add(const CsvRecord& record);
  // The first record is data too.
  void CountFirst();
  size_t UsualWidth() const;
};

}  // namespace shoal::data
