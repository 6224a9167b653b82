#include "coordinator/loop/selector.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "core/base/strings.h"

namespace shoal::loop {
namespace {

constexpr size_t kFewestOfId = 4;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// From 1; 0: it is none.
int64_t NumberOf(std::string_view text) {
  int64_t number = 0;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
  return digits && absl::SimpleAtoi(std::string(text), &number) ? number : 0;
}

}  // namespace

bool LooksLikeNumbers(std::string_view text) {
  return !text.empty() && IsDigit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsDigit(c) || c == '-' || c == ','; });
}

absl::StatusOr<std::vector<NumberRange>> ParseNumbers(std::string_view text) {
  std::vector<NumberRange> ranges;
  for (std::string_view piece : StrSplit(text, ',')) {
    const size_t dash = piece.find('-');
    const std::string_view first = piece.substr(0, dash);
    const std::string_view last = dash == std::string_view::npos ? first : piece.substr(dash + 1);
    const NumberRange range{NumberOf(first), NumberOf(last)};
    if (range.first == 0 || range.last == 0) {
      return absl::InvalidArgumentError(
          StrCat("\"", text, "\": '", piece, "' is not a number from 1, nor a range such as 1-10"));
    }
    if (range.last < range.first) {
      return absl::InvalidArgumentError(
          StrCat("\"", text, "\": the range ", piece, " goes down; write ", last, "-", first));
    }
    ranges.push_back(range);
  }
  return ranges;
}

bool IsIdPrefix(std::string_view text, std::string_view id) {
  const size_t dash = id.find('-') + 1;
  if (text.starts_with(id.substr(0, dash)))
    return text.size() >= dash + kFewestOfId && id.starts_with(text);
  return text.size() >= kFewestOfId && id.substr(dash).starts_with(text);
}

}  // namespace shoal::loop
