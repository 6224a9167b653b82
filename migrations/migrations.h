// The SQL files of this folder, embedded at build, in order of their versions. README.md says the
// rules.
#pragma once

#include <span>
#include <string_view>

namespace shoal {

struct Migration {
  int version;            // from 1, without gaps
  std::string_view name;  // "initial"
  std::string_view sql;   // the file's text
};

std::span<const Migration> Migrations();

}  // namespace shoal
