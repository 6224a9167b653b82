// Where the readers of foreign formats put what they find. Internal to core/data.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/data/dataset/dataset_builder.h"
#include "core/data/import/import.h"

namespace shoal::data {

// A file to be read.
struct ImportFile {
  std::string path;
  std::string name;  // in problems: as given, or within the folder
  Side side = Side::kUndecided;
  std::string trained;  // of a held-out table: a training table, whose numbers of classes count
};

// Counts every record once, as example, malformed or empty. Thread-compatible.
class ImportSink {
 public:
  ImportSink(DatasetBuilder& builder, ImportResult& result) : builder_(builder), result_(result) {}

  // A record; blank ones count as empty. `same_as`: see DatasetBuilder::Add. A labelled record
  // among others that are not, or the reverse, is malformed: what comes first decides.
  absl::Status Add(const ImportFile& file, int64_t line, Record record, Side side,
                   std::string_view same_as = {});
  void Malformed(const ImportFile& file, int64_t line, std::string reason);
  void Empty();

  // Text of a format that says nothing about its encoding: what is not UTF-8 becomes U+FFFD.
  std::string Repaired(std::string_view text);

  void Recognised(const ImportFile& file, std::string_view what);
  void Note(std::string note);
  std::set<std::string>& unused_members() { return unused_; }

 private:
  DatasetBuilder& builder_;
  ImportResult& result_;
  std::set<std::string> unused_;
  std::optional<bool> labelled_;
  std::string first_;  // where the first record was: "train.csv:1"
};

// The readers, one per file import_<format>.cc. Each reads a whole file; an error ends the import.
absl::Status ImportJsonLines(const ImportFile& file, const ImportOptions& options,
                             ImportSink& sink);
absl::Status ImportTable(const ImportFile& file, const ImportOptions& options, ImportSink& sink);
absl::Status ImportTrec(const ImportFile& file, const ImportOptions& options, ImportSink& sink);
absl::Status ImportTextLines(const ImportFile& file, const ImportOptions& options,
                             ImportSink& sink);
// A whole JSON document: an array of records, FewRel or CLINC150.
absl::Status ImportJsonDocument(const ImportFile& file, const ImportOptions& options,
                                std::string_view format, ImportSink& sink);
// Plain text is no set of records: it is written as it is. `held_out` may be empty.
absl::Status ImportDocument(const std::vector<ImportFile>& files, const ImportOptions& options,
                            const std::string& folder, ImportResult& result);

// The format of a file: one of the words of ImportOptions::format. Errors: InvalidArgument (not
// text), those of reading.
absl::StatusOr<std::string> RecogniseFormat(const std::string& path);

// Names of classes beside a file ("classes.txt", one a line); empty when there are none.
std::vector<std::string> ClassNamesBeside(const std::string& path);

// "train.csv" or "a/b/train.csv.gz" -> ".csv", in lower case, without the compression's.
std::string DataExtension(std::string_view path);

}  // namespace shoal::data
