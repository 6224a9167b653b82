// What the output goes to: width, colours, and how many columns a text takes.
#pragma once

#include <string>
#include <string_view>

namespace shoal::cli {

struct Terminal {
  bool interactive = false;  // stdout is a terminal that can redraw lines
  bool color = false;        // and wants colour (NO_COLOR and TERM=dumb are honoured)
  int columns = 100;
  bool cuts = true;  // wider text would wrap; false in a file or a pipe, where tables keep all

  // Looks at stdout and the environment (COLUMNS, NO_COLOR, TERM).
  static Terminal OfStdout();
};

enum class Style { kPlain, kBold, kDim, kRed, kGreen, kYellow, kBlue, kMagenta, kCyan };

// `text` wrapped in the style's escape codes, or as it is where the terminal has no colour.
std::string Styled(const Terminal& terminal, Style style, std::string_view text);

// Columns that UTF-8 text takes: code points, wide ones (CJK, emoji) as two; escape codes take
// none.
int DisplayWidth(std::string_view text);
// Cuts to at most `columns`, with "…" at the end when something was cut. Only for text without
// escape codes.
std::string Ellipsize(std::string_view text, int columns);
// Text from outside (a model's answer, a name), made harmless: control characters become "\x1b" and
// the like; newlines and tabs stay when `keep_newlines`.
std::string Printable(std::string_view text, bool keep_newlines);

}  // namespace shoal::cli
