// A line of the TREC question set (Li and Roth): "DESC:manner How did serfdom develop ?". Internal
// to core/data.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/strings.h"

namespace shoal::data {

struct TrecLine {
  std::string_view coarse;  // "DESC"
  std::string_view fine;    // "DESC:manner"
  std::string_view question;
};

inline std::optional<TrecLine> ParseTrecLine(std::string_view line) {
  const size_t colon = line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  if (colon == 0 || colon == line.npos || line[colon] != ':') return std::nullopt;
  const size_t space = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz", colon + 1);
  if (space == colon + 1 || space == line.npos || line[space] != ' ') return std::nullopt;
  const std::string_view question = StripSpace(line.substr(space));
  if (question.empty()) return std::nullopt;
  return TrecLine{line.substr(0, colon), line.substr(0, space), question};
}

}  // namespace shoal::data
