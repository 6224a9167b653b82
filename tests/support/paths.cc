#include "tests/support/paths.h"

#include "core/base/file.h"

namespace shoal {

std::string SourcePath(std::string_view relative) { return JoinPath(SHOAL_SOURCE_DIR, relative); }
std::string BuildPath(std::string_view relative) { return JoinPath(SHOAL_BUILD_DIR, relative); }

}  // namespace shoal
