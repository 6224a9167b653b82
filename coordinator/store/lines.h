// Lists of short texts as one column: lines. None of them holds a line end (paths and scalar
// values).
#pragma once

#include <string>
#include <string_view>

#include "core/base/strings.h"

namespace shoal::store {

template <typename Lines>
std::string JoinLines(const Lines& lines) {
  return StrJoin(lines, "\n");
}

// Calls add(line) for each.
template <typename Add>
void SplitLines(std::string_view text, Add add) {
  if (text.empty()) return;
  for (std::string_view line : StrSplit(text, '\n')) add(std::string(line));
}

}  // namespace shoal::store
