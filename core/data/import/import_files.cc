#include "core/data/import/import_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "absl/strings/ascii.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::data {
namespace {

enum class Part { kUnknown, kTrain, kValidation, kTest };

// The part that a word of the name tells: "dhim-val.csv" is validation.
Part PartOf(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  std::string word;
  Part part = Part::kUnknown;
  for (const char c : lower + ".") {
    if (absl::ascii_isalpha(static_cast<unsigned char>(c))) {
      word += c;
      continue;
    }
    if (word == "train" || word == "training") part = Part::kTrain;
    for (const std::string_view validation :
         {"val", "valid", "validation", "dev", "eval", "heldout", "held"}) {
      if (word == validation) part = Part::kValidation;
    }
    if (word == "test" || word == "testing") part = Part::kTest;
    word.clear();
  }
  return part;
}

// Why a file of a folder is not read as data; empty when it is.
std::string NoData(const std::string& name) {
  constexpr std::array<std::string_view, 7> kBeside = {
      "classes.txt", "pid2name.json", "categories.json", "tokenizer.json",
      "vocab.txt",   "encoder.json",  "vocab.bpe"};
  constexpr std::array<std::string_view, 8> kData = {".jsonl", ".ndjson", ".json", ".csv",
                                                     ".tsv",   ".tab",    ".txt",  ".text"};
  const std::string lower = absl::AsciiStrToLower(name);
  if (std::find(kBeside.begin(), kBeside.end(), lower) != kBeside.end()) {
    return "goes with it";
  }
  for (const std::string_view about : {"readme", "license", "licence", "copying", "citation"}) {
    if (lower.starts_with(about)) return "is about it";
  }
  const std::string extension = DataExtension(name);
  if (std::find(kData.begin(), kData.end(), extension) != kData.end()) return "";
  return "not an extension of data";
}

absl::Status AddFolder(const std::string& folder, std::vector<ImportFile>& all,
                       std::vector<std::string>& notes) {
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> names, RealFileSystem().ListDir(folder));
  std::string left_out;
  for (const std::string& name : names) {
    const std::string path = JoinPath(folder, name);
    struct stat info = {};
    if (name.starts_with('.') || stat(path.c_str(), &info) != 0) continue;
    const std::string why = S_ISREG(info.st_mode) ? NoData(name) : "no regular file";
    if (why.empty()) {
      all.push_back({path, name, Side::kUndecided, ""});
    } else {
      StrAppend(left_out, left_out.empty() ? "" : ", ", name, " (", why, ")");
    }
  }
  if (!left_out.empty()) notes.push_back(StrCat("not read as data: ", left_out));
  return absl::OkStatus();
}

absl::Status NothingThere(const std::vector<std::string>& paths) {
  std::string folders;
  for (const std::string& path : paths) {
    for (const std::string& name :
         RealFileSystem().ListDir(path).value_or(std::vector<std::string>())) {
      struct stat info = {};
      const std::string inner = JoinPath(path, name);
      if (!name.starts_with('.') && stat(inner.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
        StrAppend(folders, folders.empty() ? "" : ", ", inner);
    }
  }
  return absl::InvalidArgumentError(
      StrCat(StrJoin(paths, ", "),
             ": no file of data is there (.jsonl, .json, .csv, .tsv or .txt, also compressed); ",
             folders.empty() ? std::string("name the files, or a folder that holds them")
                             : StrCat("folders in it are not looked into: import ", folders)));
}

}  // namespace

absl::StatusOr<std::vector<ImportFile>> FilesOf(const std::vector<std::string>& paths,
                                                std::vector<std::string>& notes) {
  std::vector<ImportFile> all;
  for (const std::string& path : paths) {
    struct stat info = {};
    if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, StrCat("looking at ", path));
    if (S_ISDIR(info.st_mode)) {
      SHOAL_RETURN_IF_ERROR(AddFolder(path, all, notes));
    } else {
      all.push_back({path, BaseName(path), Side::kUndecided, ""});
    }
  }
  if (all.empty()) return NothingThere(paths);
  if (all.size() == 1) return all;
  const bool validates = std::any_of(all.begin(), all.end(), [](const ImportFile& file) {
    return PartOf(file.name) == Part::kValidation;
  });
  std::vector<ImportFile> files;
  for (ImportFile& file : all) {
    const Part part = PartOf(file.name);
    if (part == Part::kTest && validates) {
      notes.push_back(StrCat(file.name,
                             " is not read: the validation part is held out, and a test "
                             "part is kept for a last test"));
      continue;
    }
    const bool apart = part == Part::kValidation || part == Part::kTest;
    if (apart) file.side = Side::kHeldOut;
    files.push_back(std::move(file));
  }
  const bool trains = std::any_of(files.begin(), files.end(), [](const ImportFile& file) {
    return file.side != Side::kHeldOut;
  });
  if (!trains) {
    for (ImportFile& file : files) file.side = Side::kUndecided;
  }
  return files;
}

}  // namespace shoal::data
