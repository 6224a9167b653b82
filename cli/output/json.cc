#include "cli/output/json.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "core/data/utf8.h"

namespace shoal::cli {

std::string JsonText(std::string_view text) {
  std::string out = "\"";
  for (size_t at = 0; at < text.size();) {
    const data::Utf8Step step = data::NextUtf8(text.substr(at));
    const auto byte = static_cast<unsigned char>(text[at]);
    if (step.kind != data::Utf8Step::Kind::kComplete) {
      out += "\uFFFD";  // JSON is UTF-8: what is not is replaced
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[at];
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      out += escaped;
    } else {
      out.append(text.substr(at, step.bytes));
    }
    at += step.bytes;
  }
  return out + "\"";
}

std::string JsonNumber(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return error == std::errc() ? std::string(text, end) : "null";
}

}  // namespace shoal::cli
