#include "cli/output/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace shoal::cli {
namespace {

// Decodes one code point at `at`; broken bytes count as themselves. Returns its length.
size_t NextCodePoint(std::string_view text, size_t at, uint32_t& code_point) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const uint32_t first = byte(at);
  const size_t length = first < 0x80    ? 1
                        : first >= 0xF0 ? 4
                        : first >= 0xE0 ? 3
                        : first >= 0xC0 ? 2
                                        : 1;
  if (length == 1 || at + length > text.size()) {
    code_point = first;
    return 1;
  }
  uint32_t decoded = first & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) {
      code_point = first;
      return 1;
    }
    decoded = decoded << 6 | (byte(at + i) & 0x3FU);
  }
  code_point = decoded;
  return length;
}

int Columns(uint32_t c) {
  if (c == 0x200D || (c >= 0x300 && c <= 0x36F) || (c >= 0xFE00 && c <= 0xFE0F)) return 0;
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                    (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                    (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

Terminal Terminal::OfStdout() {
  Terminal terminal;
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::strcmp(term, "dumb") == 0;
  terminal.interactive = isatty(STDOUT_FILENO) == 1 && !dumb;
  const char* no_color = std::getenv("NO_COLOR");
  terminal.color = terminal.interactive && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
  } else if (const char* columns = std::getenv("COLUMNS");
             columns != nullptr && std::atoi(columns) > 0) {
    terminal.columns = std::atoi(columns);
  } else if (isatty(STDOUT_FILENO) != 1) {
    terminal.columns = 160;
    terminal.cuts = false;
  }
  return terminal;
}

std::string Styled(const Terminal& terminal, Style style, std::string_view text) {
  if (!terminal.color || style == Style::kPlain) return std::string(text);
  constexpr std::array<const char*, 9> kCodes = {"0", "1", "2", "31", "32", "33", "34", "35", "36"};
  std::string out = "\x1b[";
  out += kCodes[static_cast<size_t>(style)];
  out += 'm';
  out += text;
  out += "\x1b[0m";
  return out;
}

int DisplayWidth(std::string_view text) {
  int width = 0;
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\x1b' && at + 1 < text.size() && text[at + 1] == '[') {
      const size_t end = text.find('m', at);
      at = end == std::string_view::npos ? text.size() : end + 1;
      continue;
    }
    uint32_t code_point = 0;
    at += NextCodePoint(text, at, code_point);
    width += Columns(code_point);
  }
  return width;
}

std::string Ellipsize(std::string_view text, int columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  int width = 0;
  size_t at = 0;
  while (at < text.size()) {
    uint32_t code_point = 0;
    const size_t length = NextCodePoint(text, at, code_point);
    if (width + Columns(code_point) > columns - 1) break;
    width += Columns(code_point);
    at += length;
  }
  return std::string(text.substr(0, at)) + "…";
}

std::string Printable(std::string_view text, bool keep_newlines) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    uint32_t c = 0;
    const size_t length = NextCodePoint(text, at, c);
    if ((c == '\n' || c == '\t') && keep_newlines) {
      out += text[at];
    } else if (c < 0x20 ||
               (c >= 0x7F && c < 0xA0)) {  // U+0080 to U+009F are control characters too
      std::array<char, 8> escaped;
      std::snprintf(escaped.data(), escaped.size(), c == '\n' ? "\\n" : "\\x%02x", c);
      out += escaped.data();
    } else {
      out += text.substr(at, length);
    }
    at += length;
  }
  return out;
}

}  // namespace shoal::cli
