#include "core/data/import/table_survey.h"

#include <algorithm>
#include <array>

#include "absl/strings/numbers.h"
#include "core/base/strings.h"

namespace shoal::data {
namespace {

constexpr size_t kMostColumns = 256;
constexpr size_t kMostDifferent = 5000;
constexpr size_t kLongestLabel = 64;
constexpr std::array<std::string_view, 4> kNewsMarks = {"(AP)", "(Reuters)", "#39;", "quot;"};

}  // namespace

void ColumnSurvey::Add(std::string_view value) {
  const std::string_view text = StripSpace(value);
  ++values;
  longest = std::max(longest, text.size());
  int64_t number = 0;
  if (whole_numbers && text.size() <= 5 && absl::SimpleAtoi(AbslView(text), &number) &&
      number > -10000 && number < 10000) {
    least = std::min(least, number);
    greatest = std::max(greatest, number);
  } else {
    whole_numbers = false;
  }
  if (different.size() >= kMostDifferent) {
    many = true;
  } else if (!many && text.size() <= kLongestLabel) {
    different.insert(std::string(text));
  }
}

bool ColumnSurvey::LooksLikeLabels() const {
  if (values == 0 || longest > kLongestLabel || many) return false;
  return whole_numbers || static_cast<int64_t>(different.size()) * 2 <= values;
}

void TableSurvey::Add(const CsvRecord& record) {
  if (!record.problem.empty() || record.blank) return;
  ++records;
  ++widths[record.fields.size()];
  all_quoted &= record.quoted_all;
  bool marked = false;
  for (const std::string& field : record.fields) {
    for (const std::string_view mark : kNewsMarks) marked |= field.find(mark) != field.npos;
  }
  news_marks += marked ? 1 : 0;
  if (first.empty()) {
    first = record.fields;
    return;
  }
  const size_t width = std::min(record.fields.size(), kMostColumns);
  if (columns.size() < width) columns.resize(width);
  for (size_t i = 0; i < width; ++i) columns[i].Add(record.fields[i]);
}

void TableSurvey::CountFirst() {
  const size_t width = std::min(first.size(), kMostColumns);
  if (columns.size() < width) columns.resize(width);
  for (size_t i = 0; i < width; ++i) columns[i].Add(first[i]);
}

size_t TableSurvey::UsualWidth() const {
  size_t usual = 0;
  int64_t most = 0;
  for (const auto& [width, count] : widths) {
    if (count > most) most = count, usual = width;
  }
  return usual;
}

}  // namespace shoal::data
