// Lines of an input stream, of any length the memory can bear: a longer one is skipped, not stored.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/data/import/input_stream.h"

namespace shoal::data {

struct InputLine {
  std::string_view text;    // without its end; valid until the next call
  std::string_view ending;  // "\n", "\r\n", or nothing at the end of the file
  int64_t number = 0;       // from 1
  int64_t bytes = 0;        // of the text
  bool too_long = false;    // longer than max_bytes: `text` is its beginning
};

// A byte order mark before the first line is left out. Thread-compatible.
class LineReader {
 public:
  LineReader(std::unique_ptr<InputStream> stream, int64_t max_bytes)
      : stream_(std::move(stream)), max_bytes_(static_cast<size_t>(max_bytes)) {}

  // False at the end. Errors: those of the stream; InvalidArgument (UTF-16).
  absl::StatusOr<bool> Next(InputLine& line);

 private:
  absl::StatusOr<bool> Refill();

  const std::unique_ptr<InputStream> stream_;
  const size_t max_bytes_;
  std::string_view piece_;  // of the stream, not yet given out
  std::string line_;        // a line that lies in several pieces
  int64_t number_ = 0;
  bool started_ = false;
};

// The text without a byte order mark. Errors: InvalidArgument (UTF-16, with what to do).
absl::StatusOr<std::string_view> SkipByteOrderMark(std::string_view start);

}  // namespace shoal::data
