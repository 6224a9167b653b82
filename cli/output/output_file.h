// Where an export goes: stdout, or a file that is there whole or not at all.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shoal::cli {

// Destroying one that was not finished leaves no file. Thread-compatible.
class OutputFile {
 public:
  // `path` empty or "-": stdout. A file is written beside its path until Finish gives it its name.
  // Errors: FailedPrecondition (a folder, or one that is not there or not writable).
  static absl::StatusOr<OutputFile> Open(const std::string& path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  // Errors: ResourceExhausted (disk full), Unavailable (another one, or nobody reads stdout).
  absl::Status Write(std::string_view bytes);
  absl::Status Finish();

 private:
  OutputFile(std::FILE* file, std::string path, std::string temporary)
      : file_(file), path_(std::move(path)), temporary_(std::move(temporary)) {}

  std::FILE* file_;
  std::string path_;       // empty: stdout
  std::string temporary_;  // empty: nothing to take away
};

}  // namespace shoal::cli
