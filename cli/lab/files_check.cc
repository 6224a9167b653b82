#include "cli/lab/files_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/strings.h"
#include "core/spec/violations.h"

namespace shoal::cli {
namespace {

// What is wrong with a file that is to be read; empty when nothing is.
std::string FileProblem(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? StrCat("no such file: '", path, "'")
                           : StrCat("cannot be read: '", path, "' (", std::strerror(errno), ")");
  }
  if (S_ISDIR(info.st_mode)) return StrCat("'", path, "' is a folder, not a file");
  if (!S_ISREG(info.st_mode)) return StrCat("'", path, "' is not a regular file");
  if (access(path.c_str(), R_OK) != 0)
    return StrCat("cannot be read: '", path, "' (", std::strerror(errno), ")");
  return "";
}

}  // namespace

absl::Status CheckFiles(const v1::RunSpec& spec, const spec::Positions* positions) {
  spec::Violations violations;
  const auto check = [&](std::string_view path, const std::string& file) {
    if (file.empty()) return;
    if (const std::string what = FileProblem(file); !what.empty())
      violations.AddAt(positions, path, what);
  };
  check("data.train", spec.data().train());
  check("data.held_out", spec.data().held_out());
  check("tokenizer.path", spec.tokenizer().path());
  return violations.ToStatus();
}

}  // namespace shoal::cli
