#include <simdjson.h>

#include <limits>

#include "core/base/mapped_file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/dataset/record_json.h"
#include "core/data/text_source.h"

namespace shoal::data {
namespace {

using simdjson::SUCCESS;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr char kLinesLook[] =
    "Lines look like {\"prompt\": \"...\", \"response\": \"...\"} or {\"text\": \"...\"}";

// How one line is understood: an empty reason means that `example` is good.
struct Line {
  Example example;
  std::string reason;
};

Line ReadLine(simdjson::dom::parser& parser, std::string_view text, const ReadOptions& options) {
  if (static_cast<int64_t>(text.size()) > options.max_line_bytes) {
    return {{}, StrCat("is ", text.size(), " bytes long; at most ", options.max_line_bytes)};
  }
  element document;
  if (const auto error = parser.parse(text.data(), text.size()).get(document)) {
    return {{}, StrCat("not JSON: ", simdjson::error_message(error))};
  }
  object members;
  if (document.get(members) != SUCCESS) return {{}, "is not a JSON object"};
  Record record;
  Line line;
  line.reason = ReadRecord(members, RecordFields(), record, nullptr);
  if (line.reason.empty() && record.kind != Record::Kind::kConversation && record.text.empty()) {
    line.reason = "\"text\" is empty";
  }
  if (line.reason.empty()) line.example = ToExample(std::move(record));
  return line;
}

bool HasResponse(const Example& example) {
  for (const Segment& segment : example.segments) {
    if (segment.response) return true;
  }
  return false;
}

}  // namespace

std::string FormatProblems(const SourceReport& report) {
  std::string out;
  for (const LineProblem& p : report.problems) {
    StrAppend(out, p.file, ":", p.line, ": ", p.reason, "\n");
  }
  const auto listed = static_cast<int64_t>(report.problems.size());
  if (report.malformed_lines > listed) {
    StrAppend(out, "and ", report.malformed_lines - listed, " more malformed lines\n");
  }
  return out;
}

absl::StatusOr<Source> ParseJsonl(std::string_view text, const std::string& name,
                                  const ReadOptions& options) {
  Source source;
  SourceReport& report = source.report;
  report.bytes = static_cast<int64_t>(text.size());
  simdjson::dom::parser parser;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view raw = text.substr(0, newline);
    text.remove_prefix(newline == text.npos ? text.size() : newline + 1);
    ++report.lines;
    const std::string_view content = StripSpace(raw);
    if (content.empty()) {
      ++report.blank_lines;
      continue;
    }
    Line line = ReadLine(parser, content, options);
    if (!line.reason.empty()) {
      if (report.malformed_lines++ < options.max_problems) {
        report.problems.push_back({name, report.lines, std::move(line.reason)});
      }
      continue;
    }
    if (!HasResponse(line.example)) ++report.examples_without_response;
    line.example.line = report.lines;
    source.examples.push_back(std::move(line.example));
  }
  report.examples = static_cast<int64_t>(source.examples.size());
  if (source.examples.empty()) {
    if (report.problems.empty())
      return absl::InvalidArgumentError(StrCat(name, " is empty; ", kLinesLook));
    const LineProblem& first = report.problems.front();
    return absl::InvalidArgumentError(
        StrCat(name, ":", first.line, ": ", first.reason, "; none of its ", report.lines,
               " lines is usable. ", kLinesLook, "; a file of plain text is named .txt",
               first.reason.find("UTF-8") == std::string::npos
                   ? ""
                   : "; `iconv -f LATIN1 -t UTF-8` or the like translates an older encoding"));
  }
  return source;
}

absl::StatusOr<Source> ReadJsonl(const std::string& path, const ReadOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParseJsonl(file.text(), path, options);
}

}  // namespace shoal::data
