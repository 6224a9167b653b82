#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "tests/tidy/source_rules.h"

namespace shoal {
namespace {

namespace fs = std::filesystem;

const std::set<std::string, std::less<>> kExtensions = {
    ".cc",  ".h",   ".c",    ".cu",   ".cuh",  ".proto", ".cmake", ".txt", ".md",
    ".sql", ".yml", ".yaml", ".json", ".html", ".css",   ".ts",    ".tsx", ".js"};
const std::set<std::string, std::less<>> kSkippedFolders = {"build", "node_modules", "testdata",
                                                            "dist"};

bool IsSource(const fs::path& path) {
  // Without an extension: scripts such as ./check.
  const std::string extension = path.extension().string();
  return extension.empty() || kExtensions.contains(extension);
}

}  // namespace

std::vector<std::string_view> SourceFile::Lines() const {
  std::vector<std::string_view> lines = StrSplit(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

absl::StatusOr<std::vector<SourceFile>> ReadTree(const std::string& root) {
  std::vector<SourceFile> files;
  std::error_code error;
  RealFileSystem file_system;
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory() && (name.starts_with(".") || kSkippedFolders.contains(name))) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file() || entry->is_symlink() || name.starts_with(".")) continue;
    if (!IsSource(entry->path()) || name == "package-lock.json") continue;
    SHOAL_ASSIGN_OR_RETURN(std::string text, file_system.ReadFile(entry->path().string()));
    if (text.find('\0') != std::string::npos) continue;
    files.push_back({fs::relative(entry->path(), root).string(), std::move(text)});
  }
  if (error) return absl::UnavailableError(StrCat("walking ", root, ": ", error.message()));
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace shoal
