#include "cli/output/records.h"

#include <charconv>
#include <cmath>

#include "cli/output/json.h"
#include "core/base/check.h"
#include "core/base/strings.h"

namespace shoal::cli {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

std::string CsvText(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

std::string Shortest(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

std::string CsvCell(const Cell& cell) {
  return std::visit(Overloaded{[](std::monostate) -> std::string { return ""; },
                               [](const std::string& text) { return CsvText(text); },
                               [](double value) -> std::string {
                                 if (std::isnan(value)) return "NaN";
                                 if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
                                 return Shortest(value);
                               },
                               [](int64_t value) { return StrCat(value); },
                               [](bool value) -> std::string { return value ? "true" : "false"; },
                               [](const RawJson& json) { return CsvText(json.text); }},
                    cell);
}

std::string JsonCell(const Cell& cell) {
  return std::visit(Overloaded{[](std::monostate) -> std::string { return "null"; },
                               [](const std::string& text) { return JsonText(text); },
                               [](double value) -> std::string {
                                 if (std::isnan(value)) return "\"NaN\"";
                                 if (std::isinf(value))
                                   return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
                                 return JsonNumber(value);
                               },
                               [](int64_t value) { return StrCat(value); },
                               [](bool value) -> std::string { return value ? "true" : "false"; },
                               [](const RawJson& json) { return json.text; }},
                    cell);
}

}  // namespace

absl::StatusOr<RecordFormat> ParseRecordFormat(std::string_view text) {
  if (text == "csv") return RecordFormat::kCsv;
  if (text == "jsonl") return RecordFormat::kJsonLines;
  return absl::InvalidArgumentError(StrCat("--export: '", text, "' is neither csv nor jsonl"));
}

Cell TextCell(std::string text) { return text.empty() ? Cell() : Cell(std::move(text)); }

RecordLines::RecordLines(RecordFormat format, std::vector<std::string> columns)
    : format_(format), columns_(std::move(columns)) {}

std::string RecordLines::Header() const {
  if (format_ == RecordFormat::kJsonLines) return "";
  std::string line;
  for (const std::string& column : columns_)
    StrAppend(line, line.empty() ? "" : ",", CsvText(column));
  return line + "\r\n";
}

std::string RecordLines::Line(const std::vector<Cell>& cells) const {
  SHOAL_CHECK(cells.size() == columns_.size());
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (format_ == RecordFormat::kCsv) {
      StrAppend(line, i > 0 ? "," : "", CsvCell(cells[i]));
    } else {
      StrAppend(line, i > 0 ? "," : "{", JsonText(columns_[i]), ":", JsonCell(cells[i]));
    }
  }
  return line + (format_ == RecordFormat::kCsv ? "\r\n" : "}\n");
}

}  // namespace shoal::cli
