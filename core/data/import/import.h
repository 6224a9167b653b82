// Brings foreign data into Shoal's own shape: from files or a folder to the files of a data set.
//
// What a file is, is told by its content (and the extension, where content leaves it open):
//   jsonl      one object a line, as record.h reads it (.jsonl, .ndjson, or what parses so)
//   json       an array of such objects
//   csv, tsv   delimited text (RFC 4180) with or without a header; columns by --columns, by the
//              header's names, or as the published sets have them
//   fewrel     {"relation": [{"tokens":[...],"h":[name,id,[[positions]]],"t":[...]}, ...]}
//   clinc150   {"train": [["text","label"],...], "val": [...], "oos_train": [...], ...}
//   trec       "COARSE:fine question" a line
//   lines      every line is a text of its own (asked for only)
//   text       one document
// each as it is, or compressed by gzip or zstd.
//
// Published sets. FewRel marks the entities in the text as "[E1] head [/E1]" and "[E2] tail [/E2]"
// (every mention; the markers of Baldini Soares et al., arXiv 1906.03158), joins tokens by one
// space, and names relations by pid2name.json beside it; all its files are pooled, because the
// published parts share no relation, and copies of a sentence stay on one side. AG News,
// DBpedia and other numbered classes are named by classes.txt beside the file, and keep their
// numbers without one, because copies of AG News differ in their order; numbers count from 0 or
// from 1, in each file by itself. Where the words of a held-out file show that its numbers stand
// for other classes than those of the training file (a copy of DBpedia does so), it is named by
// what its classes are, with a note. TREC's label is the coarse class unless the fine one is asked
// for. CLINC150 holds "val" and "oos_val" out, and out-of-scope is the label "oos"; its test parts
// are not read.
//
// In a folder, train and held-out files are told by words in their names (train; val, valid,
// validation, dev, eval, held_out, test); files that are no data are named in the notes. A set
// without a held-out part is split by content, stratified by label (DatasetBuilder).
//
// Nothing is dropped silently: records == examples + malformed + empty, and every malformed record
// is listed with its file, line and reason. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/data/dataset/dataset_builder.h"
#include "core/data/import/input_stream.h"
#include "core/data/text_source.h"

namespace shoal::data {

struct ImportOptions {
  std::string format;  // one of the words above; empty: recognised
  // Role -> columns: {"text": "2", "label": "class"}. Roles: text, label, prompt, response, topic.
  // A column of a table is its number from 1 or its header's name, "2+3" joins two by a space; for
  // JSON it is the member's name.
  std::map<std::string, std::string> columns;
  std::optional<bool> header;               // whether a table has one; nothing: recognised
  std::string held_out_path;                // a file or folder to hold out; empty: none
  std::optional<double> held_out_share;     // of what has no held-out part; nothing: 0.1
  bool fine_labels = false;                 // TREC
  int64_t max_line_bytes = 16 << 20;        // a longer line is malformed
  int64_t max_file_bytes = kMaxInputBytes;  // decompressed
};

// What became of every record.
struct ImportReport {
  int64_t records = 0;
  int64_t examples = 0;
  int64_t malformed = 0;
  int64_t empty = 0;
  std::vector<LineProblem> problems;  // the first million of them, in order
  int64_t repaired_utf8_bytes = 0;    // replaced by U+FFFD
};

struct ImportResult {
  BuiltDataset data;
  ImportReport report;
  std::vector<std::string> recognised;  // "train.csv: AG News (...)", one per file that was read
  std::vector<std::string> notes;
};

// `paths`: files, or one folder. Writes the data set's files into `folder`, which exists.
// Errors: NotFound; InvalidArgument (nothing usable, with the first problem; what cannot be told
// apart, with the option that tells it; a damaged archive); ResourceExhausted (size); those of
// writing.
absl::StatusOr<ImportResult> Import(const std::vector<std::string>& paths,
                                    const ImportOptions& options, const std::string& folder);

}  // namespace shoal::data
