// Files that hold a secret.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace shoal::identity {

// As FileSystem::WriteFileAtomic (core/base/file.h), but nobody except the owner can read the file
// at any moment: mode 0600 from its first byte on.
absl::Status WriteSecretFile(const std::string& path, std::string_view contents);

}  // namespace shoal::identity
