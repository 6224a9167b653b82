// Formats of one record a line: JSON lines, TREC, plain lines.
#include <algorithm>

#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/import_json.h"
#include "core/data/import/import_sink.h"
#include "core/data/import/line_reader.h"
#include "core/data/import/trec_line.h"

namespace shoal::data {
namespace {

// Calls `read(line)` for every line that is neither blank nor too long; those are counted here.
template <typename Read>
absl::Status ForEachLine(const ImportFile& file, const ImportOptions& options, ImportSink& sink,
                         Read read) {
  SHOAL_ASSIGN_OR_RETURN(std::unique_ptr<InputStream> stream,
                         InputStream::Open(file.path, options.max_file_bytes));
  LineReader lines(std::move(stream), options.max_line_bytes);
  InputLine line;
  while (true) {
    SHOAL_ASSIGN_OR_RETURN(const bool more, lines.Next(line), file.name);
    if (!more) return absl::OkStatus();
    if (line.too_long) {
      sink.Malformed(file, line.number,
                     StrCat("is ", line.bytes, " bytes long; at most ", options.max_line_bytes));
    } else if (StripSpace(line.text).empty()) {
      sink.Empty();
    } else {
      SHOAL_RETURN_IF_ERROR(read(line));
    }
  }
}

}  // namespace

RecordFields FieldsOf(const ImportOptions& options) {
  RecordFields fields;
  for (const auto& [role, member] : options.columns) {
    if (role == "text") fields.text = member;
    if (role == "label") fields.label = member;
    if (role == "prompt") fields.prompt = member;
    if (role == "response") fields.response = member;
    if (role == "topic") fields.topic = member;
  }
  return fields;
}

absl::Status ImportJsonLines(const ImportFile& file, const ImportOptions& options,
                             ImportSink& sink) {
  sink.Recognised(file, "JSON lines");
  const RecordFields fields = FieldsOf(options);
  const bool wants_label = options.columns.contains("label");
  return ForEachLine(file, options, sink, [&](const InputLine& line) -> absl::Status {
    absl::StatusOr<Record> record = ParseRecord(line.text, fields, &sink.unused_members());
    if (!record.ok()) {
      sink.Malformed(file, line.number, std::string(record.status().message()));
      return absl::OkStatus();
    }
    if (wants_label && record->kind != Record::Kind::kLabelled) {
      sink.Malformed(file, line.number, StrCat("\"", fields.label, "\" is missing"));
      return absl::OkStatus();
    }
    return sink.Add(file, line.number, *std::move(record), file.side);
  });
}

absl::Status ImportTrec(const ImportFile& file, const ImportOptions& options, ImportSink& sink) {
  sink.Recognised(file, options.fine_labels ? "TREC questions, fine classes"
                                            : "TREC questions, coarse classes");
  return ForEachLine(file, options, sink, [&](const InputLine& line) -> absl::Status {
    const std::optional<TrecLine> trec = ParseTrecLine(line.text);
    if (!trec || line.text.find('\0') != line.text.npos) {
      sink.Malformed(file, line.number, "is not \"COARSE:fine question\"");
      return absl::OkStatus();
    }
    Record record;
    record.kind = Record::Kind::kLabelled;
    record.text = sink.Repaired(trec->question);
    record.label = std::string(options.fine_labels ? trec->fine : trec->coarse);
    return sink.Add(file, line.number, std::move(record), file.side);
  });
}

absl::Status ImportTextLines(const ImportFile& file, const ImportOptions& options,
                             ImportSink& sink) {
  sink.Recognised(file, "a text on each line");
  return ForEachLine(file, options, sink, [&](const InputLine& line) -> absl::Status {
    if (line.text.find('\0') != line.text.npos) {
      sink.Malformed(file, line.number, "holds a NUL byte");
      return absl::OkStatus();
    }
    Record record;
    record.text = sink.Repaired(StripSpace(line.text));
    return sink.Add(file, line.number, std::move(record), file.side);
  });
}

}  // namespace shoal::data
