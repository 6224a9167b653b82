// Tables for programs: CSV (RFC 4180, with a header line) or one JSON object a line. Nothing is
// cut, rounded or left out.
//
//   CSV    a double is the shortest text that reads back to the same bits; NaN, inf, -inf; nothing
//          where there is no value; lines end in \r\n
//   JSONL  every column is a member, null where there is no value; NaN and the infinities are the
//          strings "NaN", "Infinity" and "-Infinity", for which JSON has no number
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace shoal::cli {

enum class RecordFormat { kCsv, kJsonLines };
// "csv" or "jsonl". Errors: InvalidArgument.
absl::StatusOr<RecordFormat> ParseRecordFormat(std::string_view text);

// A value as it is in JSON already: a list.
struct RawJson {
  std::string text;
};
using Cell = std::variant<std::monostate, std::string, double, int64_t, bool, RawJson>;

// What is empty is no value.
Cell TextCell(std::string text);

class RecordLines {
 public:
  // A column's name is its header and its member.
  RecordLines(RecordFormat format, std::vector<std::string> columns);

  std::string Header() const;  // empty for JSON lines
  // One cell per column.
  std::string Line(const std::vector<Cell>& cells) const;

 private:
  const RecordFormat format_;
  const std::vector<std::string> columns_;
};

}  // namespace shoal::cli
