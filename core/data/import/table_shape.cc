#include "core/data/import/table_shape.h"

#include <algorithm>
#include <array>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/csv_reader.h"
#include "core/data/import/import_sink.h"
#include "core/data/import/table_survey.h"

namespace shoal::data {
namespace {

constexpr int kSniffedRecords = 20;
constexpr std::array<std::string_view, 15> kTextNames = {
    "text",  "sentence", "utterance", "content", "review",   "body",  "document", "comment",
    "tweet", "message",  "passage",   "title",   "headline", "query", "question"};
constexpr std::array<std::string_view, 12> kLabelNames = {
    "label",  "category", "class",    "intent",      "relation", "sentiment",
    "target", "labels",   "class_id", "class index", "tag",      "topic"};
constexpr std::array<std::string_view, 4> kPromptNames = {"prompt", "instruction", "input",
                                                          "question"};
constexpr std::array<std::string_view, 5> kResponseNames = {"response", "output", "answer",
                                                            "completion", "reply"};

std::string Lower(std::string_view text) {
  return absl::AsciiStrToLower(AbslView(StripSpace(text)));
}

template <size_t N>
std::optional<size_t> FindNamed(const std::vector<std::string>& header,
                                const std::array<std::string_view, N>& names) {
  for (const std::string_view name : names) {
    for (size_t i = 0; i < header.size(); ++i) {
      if (Lower(header[i]) == name) return i;
    }
  }
  return std::nullopt;
}

bool IsNumber(std::string_view text) {
  double value = 0;
  return absl::SimpleAtod(AbslView(StripSpace(text)), &value);
}

bool LooksLikeHeader(const std::vector<std::string>& first) {
  std::set<std::string> seen;
  for (const std::string& cell : first) {
    const std::string name = Lower(cell);
    if (name.empty() || name.size() > 64 || IsNumber(name) || !seen.insert(name).second)
      return false;
  }
  return FindNamed(first, kTextNames) || FindNamed(first, kLabelNames) ||
         (FindNamed(first, kPromptNames) && FindNamed(first, kResponseNames));
}

// Whether --columns speaks of a column by a name.
bool NamesAColumn(const ImportOptions& options) {
  for (const auto& [role, columns] : options.columns) {
    for (const std::string_view part : StrSplit(columns, '+')) {
      if (!IsNumber(part)) return true;
    }
  }
  return false;
}

// "2+title" -> {1, 4}.
absl::StatusOr<std::vector<size_t>> ColumnsOf(std::string_view text, const TableShape& shape,
                                              const std::vector<std::string>& header) {
  std::vector<size_t> columns;
  for (const std::string_view part : StrSplit(text, '+')) {
    int64_t number = 0;
    if (absl::SimpleAtoi(AbslView(part), &number)) {
      if (number < 1 || number > static_cast<int64_t>(shape.columns)) {
        return absl::InvalidArgumentError(
            StrCat("--columns: there is no column ", number, "; the ", "file has ", shape.columns));
      }
      columns.push_back(static_cast<size_t>(number - 1));
      continue;
    }
    const auto found = std::find_if(header.begin(), header.end(), [&](const std::string& name) {
      return Lower(name) == Lower(part);
    });
    if (!shape.header || found == header.end()) {
      return absl::InvalidArgumentError(
          StrCat("--columns: no column is called '", part, "'; ",
                 shape.header ? StrCat("there are ", StrJoin(header, ", "))
                              : std::string("the file has no header, so count columns from 1")));
    }
    columns.push_back(static_cast<size_t>(found - header.begin()));
  }
  return columns;
}

absl::Status TakeColumns(const ImportOptions& options, const std::vector<std::string>& header,
                         TableShape& shape) {
  for (const auto& [role, text] : options.columns) {
    SHOAL_ASSIGN_OR_RETURN(std::vector<size_t> columns, ColumnsOf(text, shape, header));
    if (role == "text") shape.text = columns;
    if (role == "label") shape.label = columns;
    if (role == "prompt") shape.prompt = columns;
    if (role == "response") shape.response = columns;
    if (role == "topic") shape.topic = columns;
  }
  if (shape.text.empty() == (shape.prompt.empty() || shape.response.empty())) {
    return absl::InvalidArgumentError(
        "--columns: give text=COLUMN (and label=COLUMN), or prompt=COLUMN,response=COLUMN");
  }
  shape.what = "columns as asked";
  return absl::OkStatus();
}

absl::Status CannotTell(const TableSurvey& survey, const std::string& name) {
  std::string row;
  for (size_t i = 0; i < survey.first.size() && i < 8; ++i) {
    StrAppend(row, i > 0 ? " | " : "", i + 1, ": ", survey.first[i].substr(0, 40));
  }
  return absl::InvalidArgumentError(
      StrCat(name, ": cannot tell which column is what (the first record is ", row,
             "); say it, e.g. --columns text=1,label=2 or --columns prompt=1,response=2"));
}

absl::Status TakeNamedColumns(const TableSurvey& survey, const std::string& name,
                              TableShape& shape) {
  const std::vector<std::string>& header = survey.first;
  const auto prompt = FindNamed(header, kPromptNames);
  const auto response = FindNamed(header, kResponseNames);
  const auto label = FindNamed(header, kLabelNames);
  const auto text = FindNamed(header, kTextNames);
  if (prompt && response) {
    shape.prompt = {*prompt};
    shape.response = {*response};
    shape.what = "prompts and responses";
    return absl::OkStatus();
  }
  if (!text) return CannotTell(survey, name);
  shape.text = {*text};
  const auto described = FindNamed(header, std::array<std::string_view, 1>{"description"});
  if (Lower(header[*text]) == "title" && described) shape.text.push_back(*described);
  if (label) shape.label = {*label};
  shape.what = label ? StrCat("texts (", header[*text], ") and labels (", header[*label], ")")
                     : StrCat("texts (", header[*text], ")");
  return absl::OkStatus();
}

// Without a header: one column of labels, first or last, and text in the others.
absl::Status TakeUnnamedColumns(const TableSurvey& survey, const std::string& name,
                                TableShape& shape) {
  if (shape.columns == 1) {
    shape.text = {0};
    shape.what = "texts";
    return absl::OkStatus();
  }
  const bool first = survey.columns.front().LooksLikeLabels();
  const bool last = survey.columns[shape.columns - 1].LooksLikeLabels();
  if (first == last) return CannotTell(survey, name);
  const size_t label = first ? 0 : shape.columns - 1;
  shape.label = {label};
  for (size_t i = 0; i < shape.columns; ++i) {
    if (i != label) shape.text.push_back(i);
  }
  shape.what = StrCat("texts and labels (column ", label + 1, ", no header)");
  return absl::OkStatus();
}

// Numbered classes get their names.
absl::Status NameClasses(const TableSurvey& survey, const std::string& path,
                         const std::string& name, TableShape& shape) {
  if (shape.label.size() != 1) return absl::OkStatus();
  const ColumnSurvey& labels = survey.columns[shape.label[0]];
  if (!labels.whole_numbers) {
    if (labels.different.size() == 77 && shape.header && Lower(survey.first[0]) == "text" &&
        Lower(survey.first.back()) == "category") {
      shape.what = "BANKING77 (77 intents)";
    }
    return absl::OkStatus();
  }
  std::vector<std::string> names = ClassNamesBeside(path);
  const auto count = static_cast<int64_t>(names.size());
  if (names.empty()) {
    if (!shape.header && survey.all_quoted && shape.columns <= 3 && labels.least == 1 &&
        labels.greatest == 4 && survey.news_marks * 100 >= survey.records) {
      shape.what = "AG News (classes 1-4; classes.txt beside it would name them)";
    }
    return absl::OkStatus();
  }
  if (labels.least < 0 || labels.greatest > count ||
      (labels.least == 0 && labels.greatest == count)) {
    return absl::InvalidArgumentError(StrCat(name, ": labels lie in ", labels.least, "..",
                                             labels.greatest, ", but classes.txt beside it names ",
                                             count, " classes"));
  }
  if (labels.least > 0 && labels.greatest < count) {
    return absl::InvalidArgumentError(StrCat(
        name, ": labels lie in ", labels.least, "..", labels.greatest, ": whether the ", count,
        " classes of classes.txt count from 0 or from 1 cannot be "
        "told; move classes.txt away to keep the numbers"));
  }
  const bool dbpedia = std::find(names.begin(), names.end(), "MeanOfTransportation") != names.end();
  shape.first_class = labels.least == 0 ? 0 : 1;
  shape.what = StrCat(dbpedia ? "DBpedia" : "numbered classes", " (", count,
                      " classes of classes.txt, from ", shape.first_class, ")");
  shape.class_names = std::move(names);
  return absl::OkStatus();
}

// How many columns the first records have; 0 when they differ.
absl::StatusOr<size_t> WidthWith(const std::string& path, char delimiter,
                                 const ImportOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(auto stream, InputStream::Open(path, options.max_file_bytes));
  CsvReader reader(std::move(stream), delimiter, options.max_line_bytes);
  CsvRecord record;
  size_t width = 0;
  for (int i = 0; i < kSniffedRecords; ++i) {
    SHOAL_ASSIGN_OR_RETURN(const bool more, reader.Next(record));
    if (!more) break;
    if (record.blank || !record.problem.empty()) continue;
    if (width != 0 && record.fields.size() != width) return 0;
    width = record.fields.size();
  }
  return width;
}

}  // namespace

absl::StatusOr<char> DelimiterOf(const std::string& path, const ImportOptions& options) {
  const std::string extension = DataExtension(path);
  const bool tabs =
      options.format.empty() ? extension == ".tsv" || extension == ".tab" : options.format == "tsv";
  const char usual = tabs ? '\t' : ',';
  SHOAL_ASSIGN_OR_RETURN(const size_t width, WidthWith(path, usual, options));
  if (width != 1 || !options.format.empty()) return usual;
  for (const char other : {'\t', ',', ';', '|'}) {
    SHOAL_ASSIGN_OR_RETURN(const size_t others, WidthWith(path, other, options));
    if (others > 1) return other;
  }
  return usual;
}

absl::StatusOr<TableShape> SurveyTable(const std::string& path, const std::string& name,
                                       char delimiter, const ImportOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(auto stream, InputStream::Open(path, options.max_file_bytes));
  CsvReader reader(std::move(stream), delimiter, options.max_line_bytes);
  CsvRecord record;
  TableSurvey survey;
  while (true) {
    SHOAL_ASSIGN_OR_RETURN(const bool more, reader.Next(record), name);
    if (!more) break;
    survey.Add(record);
  }
  TableShape shape;
  if (survey.records == 0) return shape;
  shape.header = options.header.value_or(NamesAColumn(options) || LooksLikeHeader(survey.first));
  shape.columns = shape.header ? survey.first.size() : survey.UsualWidth();
  if (!shape.header) survey.CountFirst();
  survey.columns.resize(std::max(survey.columns.size(), shape.columns));
  if (!options.columns.empty()) {
    SHOAL_RETURN_IF_ERROR(TakeColumns(options, survey.first, shape), name);
  } else if (shape.header) {
    SHOAL_RETURN_IF_ERROR(TakeNamedColumns(survey, name, shape));
  } else {
    SHOAL_RETURN_IF_ERROR(TakeUnnamedColumns(survey, name, shape));
  }
  SHOAL_RETURN_IF_ERROR(NameClasses(survey, path, name, shape));
  return shape;
}

}  // namespace shoal::data
