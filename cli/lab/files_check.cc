#include "cli/lab/files_check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"
#include "core/spec/violations.h"

namespace shoal::cli {
namespace {

// What is wrong with a file that is to be read; empty when nothing is.
std::string FileProblem(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? StrCat("no such file: '", path, "'; ", RemedyForMissing(path))
                           : StrCat("cannot be read: '", path, "' (", std::strerror(errno), ")");
  }
  if (S_ISDIR(info.st_mode)) return StrCat("'", path, "' is a folder, not a file");
  if (!S_ISREG(info.st_mode)) return StrCat("'", path, "' is not a regular file");
  if (access(path.c_str(), R_OK) != 0)
    return StrCat("cannot be read: '", path, "' (", std::strerror(errno), ")");
  return "";
}

}  // namespace

std::string RemedyForMissing(const std::string& path) {
  RealFileSystem files;
  const std::string folder = path.find('/') == std::string::npos ? "." : DirName(path);
  const absl::StatusOr<std::vector<std::string>> names = files.ListDir(folder);
  if (!names.ok()) {
    return files.Exists(folder) ? StrCat("is ", folder, " the folder that was meant?")
                                : StrCat("there is no folder ", folder, " either");
  }
  if (const auto nearest = spec::Nearest(BaseName(path), *names))
    return StrCat("did you mean ", folder == "." ? *nearest : JoinPath(folder, *nearest), "?");
  std::error_code unknown;
  return path.starts_with('/')
             ? StrCat("`ls ", folder, "` lists what is there")
             : StrCat("it is looked for in ", std::filesystem::current_path(unknown).string(),
                      "; is that the folder that was meant?");
}

absl::Status CheckThere(const std::string& path) {
  if (RealFileSystem().Exists(path)) return absl::OkStatus();
  return absl::NotFoundError(StrCat(path, ": no such file or folder; ", RemedyForMissing(path)));
}

absl::Status CheckCanBeMade(const std::string& option, const std::string& path) {
  RealFileSystem files;
  if (files.ListDir(path).ok())
    return absl::InvalidArgumentError(
        StrCat(option, ": ", path, " is a folder; name a file in it"));
  const std::string folder = path.find('/') == std::string::npos ? "." : DirName(path);
  if (files.Exists(folder)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(option, ": there is no folder ", folder, "; `mkdir -p ", folder, "` makes it"));
}

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
