#include "core/data/import/csv_reader.h"

#include <iterator>

#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::data {

absl::StatusOr<bool> CsvReader::NextLine(Line& line) {
  if (!put_back_.empty()) {
    line = std::move(put_back_.front());
    put_back_.pop_front();
    return true;
  }
  InputLine input;
  SHOAL_ASSIGN_OR_RETURN(const bool more, lines_.Next(input));
  if (!more) return false;
  line = {std::string(input.text), input.ending, input.number, input.too_long, input.bytes};
  return true;
}

absl::StatusOr<bool> CsvReader::Next(CsvRecord& record) {
  record = CsvRecord();
  Line line;
  SHOAL_ASSIGN_OR_RETURN(const bool more, NextLine(line));
  if (!more) return false;
  record.line = line.number;
  record.blank = line.text.empty();
  if (line.too_long) {
    record.problem = StrCat("is ", line.bytes, " bytes long; at most ", max_bytes_);
  } else if (!record.blank) {
    SHOAL_RETURN_IF_ERROR(Parse(std::move(line), record));
  }
  return true;
}

absl::Status CsvReader::Parse(Line first, CsvRecord& record) {
  std::vector<Line> following;  // lines that an open quote reaches into
  Line line = std::move(first);
  size_t at = 0;
  int64_t bytes = line.bytes;
  record.quoted_all = true;
  while (true) {  // a field
    std::string field;
    const bool quoted = at < line.text.size() && line.text[at] == '"';
    record.quoted_all &= quoted;
    const int64_t opened = line.number;
    if (quoted) ++at;
    while (quoted) {
      const size_t quote = line.text.find('"', at);
      field.append(line.text, at, quote - at);  // to the end of the line, when there is none
      if (quote != std::string::npos) {
        at = quote + 1;
        if (at >= line.text.size() || line.text[at] != '"') break;
        field += '"';
        ++at;
        continue;
      }
      field += line.ending;
      Line next;
      SHOAL_ASSIGN_OR_RETURN(const bool more, NextLine(next));
      bytes += more ? next.bytes : 0;
      if (more) following.push_back(next);
      if (!more || next.too_long || bytes > max_bytes_) {
        record.problem = opened == record.line
                             ? std::string("a quote is opened and never closed")
                             : StrCat("a quote opened in line ", opened, " is never closed");
        put_back_.insert(put_back_.begin(), std::make_move_iterator(following.begin()),
                         std::make_move_iterator(following.end()));
        return absl::OkStatus();
      }
      line = std::move(next);
      at = 0;
    }
    const size_t end = std::min(line.text.find(delimiter_, at), line.text.size());
    if (quoted && end != at) {
      record.problem = StrCat("a quoted field is followed by '", line.text.substr(at, 1),
                              "' (a quote inside quotes is written twice)");
      return absl::OkStatus();
    }
    field.append(line.text, at, end - at);
    record.fields.push_back(std::move(field));
    if (end == line.text.size()) return absl::OkStatus();
    at = end + 1;
  }
}

}  // namespace shoal::data
