#include "core/data/import/import.h"

#include <algorithm>
#include <array>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/import_files.h"
#include "core/data/import/import_sink.h"

namespace shoal::data {
namespace {

constexpr double kUsualShare = 0.1;
constexpr std::array<std::string_view, 9> kFormats = {"jsonl",    "json", "csv",   "tsv", "fewrel",
                                                      "clinc150", "trec", "lines", "text"};
constexpr std::array<std::string_view, 5> kRoles = {"text", "label", "prompt", "response", "topic"};

absl::Status CheckOptions(const ImportOptions& options) {
  if (!options.format.empty() &&
      std::find(kFormats.begin(), kFormats.end(), options.format) == kFormats.end()) {
    return absl::InvalidArgumentError(
        StrCat("--format: '", options.format, "' is none of ", StrJoin(kFormats, ", ")));
  }
  for (const auto& [role, column] : options.columns) {
    if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end() || column.empty()) {
      return absl::InvalidArgumentError(StrCat("--columns: '", role, "=", column,
                                               "' must be ROLE=COLUMN with a role among ",
                                               StrJoin(kRoles, ", ")));
    }
  }
  if (!options.held_out_path.empty() && options.held_out_share) {
    return absl::InvalidArgumentError("--held-out: give either a file or a share");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ImportFile>> CollectFiles(const std::vector<std::string>& paths,
                                                     const ImportOptions& options,
                                                     std::vector<std::string>& notes) {
  SHOAL_ASSIGN_OR_RETURN(std::vector<ImportFile> files, FilesOf(paths, notes));
  if (options.held_out_path.empty()) return files;
  for (ImportFile& file : files) file.side = Side::kTrain;
  SHOAL_ASSIGN_OR_RETURN(const std::vector<ImportFile> apart,
                         FilesOf({options.held_out_path}, notes));
  for (const ImportFile& file : apart) files.push_back({file.path, file.name, Side::kHeldOut, ""});
  return files;
}

absl::Status ImportFileAs(const std::string& format, const ImportFile& file,
                          const ImportOptions& options, ImportSink& sink) {
  if (format == "jsonl") return ImportJsonLines(file, options, sink);
  if (format == "csv" || format == "tsv") return ImportTable(file, options, sink);
  if (format == "trec") return ImportTrec(file, options, sink);
  if (format == "lines") return ImportTextLines(file, options, sink);
  return ImportJsonDocument(file, options, format, sink);
}

absl::Status NothingUsable(const std::vector<ImportFile>& files, const ImportResult& result,
                           const std::set<std::string>& members) {
  const ImportReport& report = result.report;
  if (report.records == 0) {
    return absl::InvalidArgumentError(
        files.size() == 1 ? StrCat(files.front().name, " is empty: there is nothing to import")
                          : StrCat("all ", files.size(), " files are empty"));
  }
  std::string what = StrCat("no usable record among ", report.records);
  if (!report.problems.empty()) {
    const LineProblem& first = report.problems.front();
    StrAppend(what, "; the first problem is ", first.file, ":", first.line, ": ", first.reason);
  }
  if (!members.empty()) {
    StrAppend(what, "; the records have ", StrJoin(members, ", "),
              ": say which is what, e.g. --columns text=", *members.begin());
  }
  return absl::InvalidArgumentError(what);
}

// The first training file that is a table; empty: there is none.
std::string TrainingTable(const std::vector<ImportFile>& files,
                          const std::vector<std::string>& formats) {
  for (size_t i = 0; i < files.size(); ++i) {
    if (files[i].side == Side::kHeldOut) continue;
    if (formats[i] == "csv" || formats[i] == "tsv") return files[i].path;
  }
  return "";
}

absl::Status ImportRecords(const std::vector<ImportFile>& files,
                           const std::vector<std::string>& formats, const ImportOptions& options,
                           const std::string& folder, ImportResult& result) {
  SHOAL_ASSIGN_OR_RETURN(const std::unique_ptr<DatasetBuilder> builder,
                         DatasetBuilder::Create(folder));
  ImportSink sink(*builder, result);
  for (size_t i = 0; i < files.size(); ++i) {
    ImportFile file = files[i];
    // FewRel's published parts share no relation: they are pooled and split per relation.
    if (formats[i] == "fewrel" && options.held_out_path.empty()) file.side = Side::kUndecided;
    if (file.side == Side::kHeldOut) file.trained = TrainingTable(files, formats);
    SHOAL_RETURN_IF_ERROR(ImportFileAs(formats[i], file, options, sink));
  }
  const std::set<std::string>& members = sink.unused_members();
  if (result.report.examples == 0) return NothingUsable(files, result, members);
  if (!members.empty()) {
    result.notes.push_back(
        StrCat("members or columns that are not used: ", StrJoin(members, ", ")));
  }
  const double share = builder->has_held_out() ? 0 : options.held_out_share.value_or(kUsualShare);
  SHOAL_ASSIGN_OR_RETURN(result.data, builder->Finish(share));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ImportResult> Import(const std::vector<std::string>& paths,
                                    const ImportOptions& options, const std::string& folder) {
  SHOAL_RETURN_IF_ERROR(CheckOptions(options));
  ImportResult result;
  SHOAL_ASSIGN_OR_RETURN(const std::vector<ImportFile> files,
                         CollectFiles(paths, options, result.notes));
  std::vector<std::string> formats;
  for (const ImportFile& file : files) {
    std::string format = options.format;
    if (format.empty()) {
      SHOAL_ASSIGN_OR_RETURN(format, RecogniseFormat(file.path));
    }
    formats.push_back(std::move(format));
  }
  const auto documents = std::count(formats.begin(), formats.end(), "text");
  if (documents == 0) {
    SHOAL_RETURN_IF_ERROR(ImportRecords(files, formats, options, folder, result));
  } else if (documents == static_cast<std::ptrdiff_t>(files.size())) {
    SHOAL_RETURN_IF_ERROR(ImportDocument(files, options, folder, result));
  } else {
    std::string list;
    for (size_t i = 0; i < files.size(); ++i) {
      StrAppend(list, i > 0 ? ", " : "", files[i].name, " (", formats[i], ")");
    }
    return absl::InvalidArgumentError(
        StrCat("plain text and records cannot be one data set: ", list,
               "; import them one by one, or the text with --format lines"));
  }
  if (result.report.repaired_utf8_bytes > 0) {
    result.notes.push_back(StrCat("bytes that are not UTF-8 and were replaced by U+FFFD: ",
                                  result.report.repaired_utf8_bytes));
  }
  for (const std::string& note : result.data.notes) result.notes.push_back(note);
  return result;
}

}  // namespace shoal::data
