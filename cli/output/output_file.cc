#include "cli/output/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/base/file.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

absl::Status CannotWrite(const std::string& path, int error) {
  return Annotate(ErrnoStatus(error, StrCat("writing ", path.empty() ? "the output" : path)),
                  "export");
}

}  // namespace

absl::StatusOr<OutputFile> OutputFile::Open(const std::string& path) {
  if (path.empty() || path == "-") return OutputFile(stdout, "", "");
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
    return absl::InvalidArgumentError(StrCat("--out: ", path, " is a folder; name a file in it"));
  // A device or a pipe is written as it is.
  const bool special = stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode);
  const std::string temporary = special ? "" : StrCat(path, ".tmp-", getpid());
  std::FILE* file = std::fopen(special ? path.c_str() : temporary.c_str(), "wbe");
  if (file == nullptr) {
    const int error = errno;
    if (error == ENOENT)
      return absl::InvalidArgumentError(
          StrCat("--out: there is no folder ", DirName(path), "; make it first"));
    return ErrnoStatus(error, StrCat("--out: writing ", path));
  }
  return OutputFile(file, path, temporary);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

OutputFile::~OutputFile() {
  if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::Status OutputFile::Write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()) return absl::OkStatus();
  return CannotWrite(path_, errno);
}

absl::Status OutputFile::Finish() {
  if (std::fflush(file_) != 0) return CannotWrite(path_, errno);
  if (file_ == stdout) return absl::OkStatus();
  if (!temporary_.empty() && fsync(fileno(file_)) != 0) return CannotWrite(path_, errno);
  if (std::fclose(std::exchange(file_, nullptr)) != 0) return CannotWrite(path_, errno);
  if (temporary_.empty()) return absl::OkStatus();
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return CannotWrite(path_, errno);
  temporary_.clear();
  return absl::OkStatus();
}

}  // namespace shoal::cli
