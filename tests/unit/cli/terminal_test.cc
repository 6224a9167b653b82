#include "cli/output/terminal.h"

#include <cstdlib>

#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

TEST(Styled, IsPlainWhereThereIsNoColor) {
  Terminal terminal;
  EXPECT_EQ(Styled(terminal, Style::kRed, "x"), "x");
  terminal.color = true;
  EXPECT_EQ(Styled(terminal, Style::kRed, "x"), "\x1b[31mx\x1b[0m");
  EXPECT_EQ(Styled(terminal, Style::kCyan, "x"), "\x1b[36mx\x1b[0m");
  EXPECT_EQ(Styled(terminal, Style::kPlain, "x"), "x");
}

TEST(DisplayWidth, CountsWhatATerminalShows) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("naïve"), 5);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);  // a combining accent
  EXPECT_EQ(DisplayWidth("日本"), 4);
  EXPECT_EQ(DisplayWidth("🦦"), 2);
  EXPECT_EQ(DisplayWidth("⣿━…"), 3);
  EXPECT_EQ(DisplayWidth("\x1b[31mab\x1b[0m"), 2);
  EXPECT_EQ(DisplayWidth("a\x1b[31"), 1);  // a code that never ends
}

TEST(DisplayWidth, BrokenUtf8CountsByteByByte) {
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2);
  EXPECT_EQ(DisplayWidth("a\xe2\x82"), 3);  // cut within a character
}

TEST(Ellipsize, CutsToTheColumnsAndSaysSo) {
  EXPECT_EQ(Ellipsize("abcdef", 6), "abcdef");
  EXPECT_EQ(Ellipsize("abcdef", 5), "abcd…");
  EXPECT_EQ(Ellipsize("日本語", 5), "日本…");
  EXPECT_EQ(Ellipsize("日本語", 4), "日…");  // never half a character
  EXPECT_EQ(Ellipsize("ab", 1), "…");
}

TEST(Printable, MakesControlCharactersHarmless) {
  EXPECT_EQ(Printable("plain naïve 🦦", false), "plain naïve 🦦");
  EXPECT_EQ(Printable("\x1b[2Jgone", false), "\\x1b[2Jgone");
  EXPECT_EQ(Printable("a\rb\x7f", false), "a\\x0db\\x7f");
  EXPECT_EQ(Printable(std::string_view("a\0b", 3), false), "a\\x00b");
}

TEST(Printable, KnowsTheControlCharactersBeyondAscii) {
  // U+009B begins an escape sequence in some terminals, as ESC [ does.
  EXPECT_EQ(Printable("a\xc2\x9b"
                      "2Jb",
                      false),
            "a\\x9b2Jb");
  EXPECT_EQ(Printable("caf\xc3\xa9\xc2\xa0!", false), "caf\xc3\xa9\xc2\xa0!");
}

TEST(Printable, BrokenUtf8HidesNothing) {
  EXPECT_EQ(Printable("\xc3\x1b[2J", false), "\xc3\\x1b[2J");
  EXPECT_EQ(Printable("\xf0\x9f\n", false), "\xf0\\x9f\\n");
}

TEST(Printable, KeepsNewlinesOnlyWhereTheyMayStand) {
  EXPECT_EQ(Printable("a\n\tb", true), "a\n\tb");
  EXPECT_EQ(Printable("a\n\tb", false), "a\\n\\x09b");
}

TEST(Terminal, OfAPipeHasNoColorAndTheWidthOfTheEnvironment) {
  testing::internal::CaptureStdout();  // stdout is a file now
  setenv("COLUMNS", "77", 1);
  const Terminal terminal = Terminal::OfStdout();
  setenv("COLUMNS", "nonsense", 1);
  const Terminal unknown = Terminal::OfStdout();
  unsetenv("COLUMNS");
  testing::internal::GetCapturedStdout();
  EXPECT_FALSE(terminal.interactive);
  EXPECT_FALSE(terminal.color);
  EXPECT_EQ(terminal.columns, 77);
  EXPECT_TRUE(terminal.cuts);
  EXPECT_EQ(unknown.columns, 160);
  EXPECT_FALSE(unknown.cuts);
}

}  // namespace
}  // namespace shoal::cli
