#include <algorithm>
#include <limits>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/data/text_source.h"
#include "core/data/utf8.h"

namespace shoal::data {
namespace {

Source OneDocument(std::string_view text, int64_t first_line) {
  Source source;
  source.report.bytes = static_cast<int64_t>(text.size());
  source.report.invalid_utf8_bytes = static_cast<int64_t>(CountInvalidUtf8(text));
  for (const char c : text) source.report.lines += c == '\n';
  if (text.empty()) return source;
  source.report.lines += text.back() != '\n';
  source.examples.push_back(
      {.text = std::string(text), .segments = {}, .topic = {}, .chat = false, .line = first_line});
  source.report.examples = 1;
  source.report.examples_without_response = 1;
  return source;
}

}  // namespace

absl::StatusOr<SplitSource> ReadPlainText(const std::string& path, const ReadOptions& options) {
  if (!(options.held_out_fraction >= 0 && options.held_out_fraction < 1)) {
    return absl::InvalidArgumentError(
        StrCat("held_out_fraction is ", options.held_out_fraction, ", expected 0 <= fraction < 1"));
  }
  SHOAL_ASSIGN_OR_RETURN(const std::string text, RealFileSystem().ReadFile(path));
  if (text.empty()) return absl::InvalidArgumentError(StrCat(path, " is empty"));
  if (text.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError(
        StrCat(path, " is ", text.size(), " bytes; a plain text has at most 4 GiB"));
  }
  size_t split = text.size() -
                 static_cast<size_t>(static_cast<double>(text.size()) * options.held_out_fraction);
  while (split < text.size() && (static_cast<uint8_t>(text[split]) & 0xC0) == 0x80) ++split;
  const std::string_view view = text;
  const std::string_view head = view.substr(0, split);
  const auto newlines = std::count(head.begin(), head.end(), '\n');
  return SplitSource{OneDocument(head, 1), OneDocument(view.substr(split), 1 + newlines)};
}

}  // namespace shoal::data
