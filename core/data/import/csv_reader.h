// Delimited text (RFC 4180), record by record: fields in double quotes may hold the delimiter, line
// ends and doubled quotes. Beyond the standard: any one-byte delimiter, lines may end in LF alone,
// and a quote inside a field that does not begin with one is an ordinary character.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/import/line_reader.h"

namespace shoal::data {

struct CsvRecord {
  std::vector<std::string> fields;
  int64_t line = 0;         // where it begins, from 1
  std::string problem;      // not empty: malformed, and why; `fields` means nothing
  bool quoted_all = false;  // every field was in quotes
  bool blank = false;       // an empty line
};

// What comes after a malformed record is read as if it were not there: from the next line on when a
// quote is never closed, else from the line after the one where the mistake is. Thread-compatible.
class CsvReader {
 public:
  // Records of more than `max_bytes` are malformed.
  CsvReader(std::unique_ptr<InputStream> stream, char delimiter, int64_t max_bytes)
      : lines_(std::move(stream), max_bytes), delimiter_(delimiter), max_bytes_(max_bytes) {}

  // False at the end. Errors: those of the stream.
  absl::StatusOr<bool> Next(CsvRecord& record);

 private:
  struct Line {
    std::string text;
    std::string_view ending;
    int64_t number = 0;
    bool too_long = false;
    int64_t bytes = 0;
  };
  absl::StatusOr<bool> NextLine(Line& line);
  // Reads the fields of `first` and of the lines that its quotes reach into.
  absl::Status Parse(Line first, CsvRecord& record);

  LineReader lines_;
  const char delimiter_;
  const int64_t max_bytes_;
  std::deque<Line> put_back_;
};

}  // namespace shoal::data
