// Which build this is: recorded with every run, shown by `shoal --version`. In a library of its own
// (core_build_info), so that a commit relinks programs and compiles nothing.
#pragma once

#include <string>
#include <string_view>

namespace shoal {

struct BuildInfo {
  std::string_view version;  // "0.1.0"
  std::string_view
      commit;  // "3f9c2d81ab04", "...-dirty" with local changes; "unknown" built without git
  std::string_view compiler;  // "GNU 12.2.0"
  std::string_view type;      // "Release", "Debug", with sanitizers "Debug address,undefined"

  // "0.1.0 (3f9c2d81ab04, GNU 12.2.0, Release)": the build id.
  std::string ToString() const;
};

const BuildInfo& ThisBuild();

}  // namespace shoal
