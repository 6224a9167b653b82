// CSV and TSV.
#include <set>

#include "absl/strings/numbers.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/class_numbering.h"
#include "core/data/import/csv_reader.h"
#include "core/data/import/import_sink.h"
#include "core/data/import/table_shape.h"

namespace shoal::data {
namespace {

// Turns records of one table into ours.
class TableRows {
 public:
  TableRows(const ImportFile& file, const TableShape& shape, ImportSink& sink)
      : file_(file), shape_(shape), sink_(sink) {}

  absl::Status Add(const CsvRecord& row) {
    if (row.blank) {
      sink_.Empty();
      return absl::OkStatus();
    }
    Record record;
    std::string reason = row.problem.empty() ? Read(row, record) : row.problem;
    if (!reason.empty()) {
      sink_.Malformed(file_, row.line, std::move(reason));
      return absl::OkStatus();
    }
    return sink_.Add(file_, row.line, std::move(record), file_.side);
  }

 private:
  std::string Joined(const CsvRecord& row, const std::vector<size_t>& columns) {
    std::string text;
    for (const size_t column : columns) {
      StrAppend(text, text.empty() ? "" : " ", sink_.Repaired(row.fields[column]));
    }
    return text;
  }

  std::string ReadLabel(const CsvRecord& row, std::string& label) {
    label = std::string(StripSpace(Joined(row, shape_.label)));
    if (label.empty()) return "the label is empty";
    if (shape_.class_names.empty()) return "";
    int64_t number = 0;
    const auto count = static_cast<int64_t>(shape_.class_names.size());
    if (!absl::SimpleAtoi(label, &number) || number < shape_.first_class ||
        number >= shape_.first_class + count) {
      return StrCat("the label '", label, "' is not one of ", shape_.first_class, "..",
                    shape_.first_class + count - 1);
    }
    label = shape_.class_names[static_cast<size_t>(number - shape_.first_class)];
    return "";
  }

  std::string Read(const CsvRecord& row, Record& record) {
    if (row.fields.size() != shape_.columns) {
      return StrCat("has ", row.fields.size(), " columns, expected ", shape_.columns);
    }
    for (const std::string& field : row.fields) {
      if (field.find('\0') != field.npos) return "holds a NUL byte";
    }
    Conversation& conversation = record.conversation;
    conversation.topic = std::string(StripSpace(Joined(row, shape_.topic)));
    if (shape_.text.empty()) {
      record.kind = Record::Kind::kConversation;
      conversation.messages = {{Role::kUser, Joined(row, shape_.prompt)},
                               {Role::kAssistant, Joined(row, shape_.response)}};
      return "";
    }
    record.text = Joined(row, shape_.text);
    if (shape_.label.empty()) return "";
    record.kind = Record::Kind::kLabelled;
    return ReadLabel(row, record.label);
  }

  const ImportFile& file_;
  const TableShape& shape_;
  ImportSink& sink_;
};

// Names the classes of a held-out table by what they are in the training table: their numbers may
// stand for other classes there.
absl::Status NameAsTrained(const ImportFile& file, const ImportOptions& options, char delimiter,
                           TableShape& shape, ImportSink& sink) {
  if (file.trained.empty() || shape.class_names.empty()) return absl::OkStatus();
  NumberedTable trained{file.trained, ',', {}};
  SHOAL_ASSIGN_OR_RETURN(trained.delimiter, DelimiterOf(file.trained, options));
  SHOAL_ASSIGN_OR_RETURN(
      trained.shape, SurveyTable(file.trained, BaseName(file.trained), trained.delimiter, options));
  SHOAL_ASSIGN_OR_RETURN(const std::optional<std::vector<size_t>> match,
                         MatchClasses(trained, {file.path, delimiter, shape}, options));
  if (!match) return absl::OkStatus();
  std::vector<std::string> names;
  std::string order;
  for (size_t i = 0; i < match->size(); ++i) {
    names.push_back(trained.shape.class_names[(*match)[i]]);
    if (i < 20) {
      StrAppend(order, i > 0 ? ", " : "", static_cast<int64_t>(i) + shape.first_class, " ",
                names.back());
    }
  }
  if (names == shape.class_names) return absl::OkStatus();
  sink.Note(StrCat(file.name, " numbers its classes otherwise than ", BaseName(file.trained),
                   ", as the words of its texts show; they are named by what they are: ", order,
                   names.size() > 20 ? ", ..." : ""));
  shape.class_names = std::move(names);
  return absl::OkStatus();
}

// The columns that nothing is made of, by name or else by number.
void NoteUnused(const TableShape& shape, const CsvRecord& first, ImportSink& sink) {
  std::set<size_t> used;
  for (const auto* columns :
       {&shape.text, &shape.label, &shape.prompt, &shape.response, &shape.topic}) {
    used.insert(columns->begin(), columns->end());
  }
  for (size_t i = 0; i < shape.columns; ++i) {
    if (used.contains(i)) continue;
    const bool named = shape.header && i < first.fields.size() && !first.fields[i].empty();
    sink.unused_members().insert(named ? first.fields[i] : StrCat("column ", i + 1));
  }
}

}  // namespace

absl::Status ImportTable(const ImportFile& file, const ImportOptions& options, ImportSink& sink) {
  SHOAL_ASSIGN_OR_RETURN(const char delimiter, DelimiterOf(file.path, options), file.name);
  SHOAL_ASSIGN_OR_RETURN(TableShape shape, SurveyTable(file.path, file.name, delimiter, options));
  SHOAL_RETURN_IF_ERROR(NameAsTrained(file, options, delimiter, shape, sink));
  sink.Recognised(file, StrCat(delimiter == '\t' ? "TSV" : "CSV", ": ",
                               shape.what.empty() ? "no record" : shape.what));
  SHOAL_ASSIGN_OR_RETURN(auto stream, InputStream::Open(file.path, options.max_file_bytes));
  CsvReader reader(std::move(stream), delimiter, options.max_line_bytes);
  TableRows rows(file, shape, sink);
  CsvRecord record;
  bool header = shape.header, first = true;
  while (true) {
    SHOAL_ASSIGN_OR_RETURN(const bool more, reader.Next(record), file.name);
    if (!more) return absl::OkStatus();
    if (first && !record.blank && record.problem.empty()) {
      first = false;
      NoteUnused(shape, record, sink);
    }
    if (header && !record.blank && record.problem.empty()) {
      header = false;
      continue;
    }
    SHOAL_RETURN_IF_ERROR(rows.Add(record));
  }
}

}  // namespace shoal::data
