#include "core/data/import/line_reader.h"

#include <algorithm>

#include "core/base/status.h"

namespace shoal::data {

absl::StatusOr<std::string_view> SkipByteOrderMark(std::string_view start) {
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    return absl::InvalidArgumentError(
        "the text is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8 OLD > NEW");
  }
  if (start.starts_with("\xEF\xBB\xBF")) start.remove_prefix(3);
  return start;
}

absl::StatusOr<bool> LineReader::Refill() {
  SHOAL_ASSIGN_OR_RETURN(piece_, stream_->Next());
  if (!started_) {
    started_ = true;
    SHOAL_ASSIGN_OR_RETURN(piece_, SkipByteOrderMark(piece_));
  }
  return !piece_.empty();
}

absl::StatusOr<bool> LineReader::Next(InputLine& line) {
  line = InputLine();
  line_.clear();
  bool ended = false;
  bool any = false;
  while (!ended) {
    if (piece_.empty()) {
      SHOAL_ASSIGN_OR_RETURN(const bool more, Refill());
      if (!more) break;
    }
    any = true;
    const size_t newline = piece_.find('\n');
    const std::string_view part = piece_.substr(0, newline);
    ended = newline != piece_.npos;
    piece_.remove_prefix(ended ? newline + 1 : piece_.size());
    line.bytes += static_cast<int64_t>(part.size());
    if (ended && line_.empty()) {
      line.text = part;  // the usual case: the whole line lies in one piece
    } else {
      line_.append(part.substr(0, max_bytes_ + 1 - std::min(line_.size(), max_bytes_ + 1)));
      line.text = line_;
    }
  }
  if (!any) return false;
  line.number = ++number_;
  if (ended) line.ending = "\n";
  line.too_long = line.bytes > static_cast<int64_t>(max_bytes_);
  if (line.too_long) {
    line.text = line.text.substr(0, max_bytes_);
  } else if (ended && line.text.ends_with('\r')) {
    line.text.remove_suffix(1);
    --line.bytes;
    line.ending = "\r\n";
  }
  return true;
}

}  // namespace shoal::data
