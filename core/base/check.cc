#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace shoal::check_internal {

void Fail(const char* file, int line, const char* condition, std::string_view text) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s%s%.*s\n", file, line, condition,
               text.empty() ? "" : ": ", static_cast<int>(text.size()), text.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace shoal::check_internal
