// What a file is, from its content and its extension.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/import/import_json.h"
#include "core/data/import/import_sink.h"
#include "core/data/import/line_reader.h"
#include "core/data/import/trec_line.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

constexpr int64_t kHeadBytes = 64 << 10;
constexpr int kFewestTrecLines = 3;

// Nine of ten lines are TREC's.
bool IsTrec(std::string_view head) {
  int lines = 0, matching = 0;
  while (!head.empty()) {
    const size_t newline = head.find('\n');
    if (newline == head.npos && lines > 0) break;  // the last line may be cut
    const std::string_view line = head.substr(0, newline);
    head.remove_prefix(newline == head.npos ? head.size() : newline + 1);
    if (StripSpace(line).empty()) continue;
    ++lines;
    matching += ParseTrecLine(line).has_value() ? 1 : 0;
  }
  return lines >= kFewestTrecLines && matching * 10 >= lines * 9;
}

bool IsText(std::string_view head) {
  return head.find('\0') == head.npos && CountInvalidUtf8(head) * 10 <= head.size();
}

// A JSON document, or JSON lines; nothing when it is neither.
absl::StatusOr<std::optional<std::string>> JsonFormat(const std::string& path,
                                                      std::string_view head) {
  absl::StatusOr<std::string> whole = ReadWhole(path, kMaxJsonBytes);
  if (!whole.ok() && !absl::IsResourceExhausted(whole.status())) return whole.status();
  if (whole.ok()) {
    SHOAL_ASSIGN_OR_RETURN(const std::string_view text, SkipByteOrderMark(*whole));
    if (auto format = JsonDocumentFormat(text); format.has_value()) return format;
  }
  const std::string_view first = head.substr(0, head.find('\n'));
  if (JsonDocumentFormat(first) == "jsonl") return std::optional<std::string>("jsonl");
  return std::nullopt;
}

}  // namespace

std::string DataExtension(std::string_view path) {
  std::string name = absl::AsciiStrToLower(BaseName(path));
  for (const std::string_view compression : {".gz", ".zst"}) {
    if (name.ends_with(compression)) name.resize(name.size() - compression.size());
  }
  const size_t dot = name.find_last_of('.');
  return dot == name.npos || dot == 0 ? "" : name.substr(dot);
}

std::vector<std::string> ClassNamesBeside(const std::string& path) {
  std::vector<std::string> names;
  const absl::StatusOr<std::string> text =
      RealFileSystem().ReadFile(JoinPath(DirName(path), "classes.txt"));
  if (!text.ok() || text->size() > (1 << 20)) return names;
  for (const std::string_view line : StrSplit(StripSpace(*text), '\n')) {
    const std::string name(StripSpace(line));
    // A blank or repeated name is no name; such a file says nothing.
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) return {};
    names.push_back(name);
  }
  return names;
}

absl::StatusOr<std::string> RecogniseFormat(const std::string& path) {
  const std::string extension = DataExtension(path);
  if (extension == ".jsonl" || extension == ".ndjson") return "jsonl";
  if (extension == ".csv") return "csv";
  if (extension == ".tsv" || extension == ".tab") return "tsv";
  SHOAL_ASSIGN_OR_RETURN(const std::string bytes, ReadHead(path, kHeadBytes));
  SHOAL_ASSIGN_OR_RETURN(const std::string_view head, SkipByteOrderMark(bytes), path);
  const std::string_view start = StripSpace(head);
  if (extension == ".json" || start.starts_with('{') || start.starts_with('[')) {
    SHOAL_ASSIGN_OR_RETURN(std::optional<std::string> format, JsonFormat(path, start));
    if (format) return *std::move(format);
    if (extension == ".json") {
      return absl::InvalidArgumentError(
          StrCat(path, " is neither a JSON document nor JSON lines; is it whole?"));
    }
  }
  if (IsTrec(head)) return "trec";
  if (!IsText(head)) {
    const bool binary = head.find('\0') != head.npos;
    return absl::InvalidArgumentError(StrCat(
        path, " does not look like text: ",
        binary
            ? std::string("it has zero bytes")
            : StrCat(CountInvalidUtf8(head), " of its first ", head.size(), " bytes are not UTF-8"),
        binary ? "; formats are jsonl, json, csv, tsv, lines and text, each as it is or "
                 "compressed by gzip or zstd"
               : "; `iconv -f LATIN1 -t UTF-8` or the like translates an older encoding",
        "; --format text takes the bytes as they are"));
  }
  return "text";
}

}  // namespace shoal::data
