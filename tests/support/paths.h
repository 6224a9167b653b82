// Where the sources and the build under test are, for tests that read fixtures or start programs.
#pragma once

#include <string>
#include <string_view>

namespace shoal {

// An absolute path inside the repository: SourcePath("tests/golden/tiny.json").
std::string SourcePath(std::string_view relative);
// An absolute path inside the build folder: BuildPath("bin/shoal").
std::string BuildPath(std::string_view relative);

}  // namespace shoal
