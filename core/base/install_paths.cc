#include "core/base/install_paths.h"

#include <limits.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal {

std::string InstallPaths::Program(std::string_view name) const { return JoinPath(bin, name); }

std::string InstallPaths::Backend(std::string_view name) const {
  return StrCat(JoinPath(backends, name), ".so");
}

std::string InstallPaths::Share(std::string_view name) const { return JoinPath(share, name); }

absl::StatusOr<InstallPaths> InstallPaths::OfThisProgram() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size < 0) return ErrnoStatus(errno, "finding this program's own path (/proc/self/exe)");
  std::string_view executable(path, static_cast<size_t>(size));
  // Replaced by a new build while running: the kernel appends this to the old name.
  constexpr std::string_view kDeleted = " (deleted)";
  if (executable.size() > kDeleted.size() &&
      executable.substr(executable.size() - kDeleted.size()) == kDeleted) {
    executable.remove_suffix(kDeleted.size());
  }
  return OfProgram(executable);
}

InstallPaths InstallPaths::OfProgram(std::string_view executable) {
  InstallPaths paths;
  paths.bin = DirName(executable);
  paths.prefix = DirName(paths.bin);
  paths.backends = JoinPath(paths.prefix, "lib/shoal/backends");
  paths.share = JoinPath(paths.prefix, "share/shoal");
  return paths;
}

}  // namespace shoal
