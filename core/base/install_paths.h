// Where this installation keeps its parts, found from the running program's own place: a folder
// that is moved as a whole keeps working, and nothing in the environment can make a program load
// another's backends. The build tree has the same layout.
//
//   <prefix>/bin/shoal, shoal-runner
//   <prefix>/lib/shoal/backends/<name>.so
//   <prefix>/share/shoal/recipes, personas
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace shoal {

struct InstallPaths {
  std::string prefix;    // absolute, symbolic links resolved
  std::string bin;       // programs
  std::string backends;  // shared objects
  std::string share;     // data files

  // The path of a program, backend or data file of this installation; that it exists is not
  // checked.
  std::string Program(std::string_view name) const;  // bin/<name>
  std::string Backend(std::string_view name) const;  // lib/shoal/backends/<name>.so
  std::string Share(std::string_view name) const;    // share/shoal/<name>, e.g. "recipes"

  // Of the running program. Errors: what reading /proc/self/exe says.
  static absl::StatusOr<InstallPaths> OfThisProgram();
  // Of the program at `executable`, an absolute path: its folder's parent is the prefix.
  static InstallPaths OfProgram(std::string_view executable);
};

}  // namespace shoal
