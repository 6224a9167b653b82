#include "cli/output/table.h"

#include <sstream>

#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

using A = Table::Align;

Terminal Plain(int columns) {
  Terminal terminal;
  terminal.columns = columns;
  return terminal;
}

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({{"RUN"}, {"PARAMS", A::kRight}, {"LOSS", A::kRight}});
  table.Add({"tiny-L2", "0.31M", "1.734"});
  table.Add({"t", "1M", "12.5"});
  EXPECT_EQ(table.Render(Plain(80)),
            "RUN      PARAMS   LOSS\n"
            "tiny-L2   0.31M  1.734\n"
            "t            1M   12.5\n");
}

TEST(Table, LeavesOutColumnsThatAreEmptyEverywhere) {
  Table table({{"RUN"}, {"NOTE"}, {"STATE"}});
  table.Add({"a", "", "ok"});
  table.Add({"b", "", ""});
  EXPECT_EQ(table.Render(Plain(80)), "RUN  STATE\na    ok\nb\n");
}

TEST(Table, CountsColumnsAndNotBytes) {
  Table table({{"NAME"}, {"N", A::kRight}});
  table.Add({"naïve", "1"});
  table.Add({"日本", "2"});
  EXPECT_EQ(table.Render(Plain(80)), "NAME   N\nnaïve  1\n日本   2\n");
}

TEST(Table, ShrinksTheColumnsThatMayShrinkToTheTerminal) {
  Table table({{"RUN"}, {"NOTE", A::kLeft, true}, {"STATE"}});
  table.Add({"tiny", std::string(60, 'x'), "RUNNING"});
  table.Add({"tiny", "short", "RUNNING"});
  const std::string text = table.Render(Plain(40));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(DisplayWidth(line), 40) << line;
  EXPECT_NE(text.find("x…  RUNNING"), std::string::npos) << text;
  EXPECT_NE(text.find("short"), std::string::npos);
}

TEST(Table, AShrunkColumnKeepsTwelveColumns) {
  Table table({{"RUN"}, {"NOTE", A::kLeft, true}});
  table.Add({"tiny", std::string(60, 'x')});
  EXPECT_EQ(table.Render(Plain(5)), "RUN   NOTE\ntiny  xxxxxxxxxxx…\n");
}

TEST(Table, LeavesOutTheMostDispensableColumnsToFit) {
  Table table({{"RUN"}, {"BY", A::kLeft, false, 2}, {"ISA", A::kLeft, false, 3}, {"LOSS"}});
  table.Add({"tiny", "ada", "avx512", "1.734"});
  EXPECT_EQ(table.Render(Plain(24)), "RUN   BY   ISA     LOSS\ntiny  ada  avx512  1.734\n");
  EXPECT_EQ(table.Render(Plain(23)), "RUN   BY   LOSS\ntiny  ada  1.734\n");
  EXPECT_EQ(table.Render(Plain(15)), "RUN   LOSS\ntiny  1.734\n");
  EXPECT_EQ(table.Render(Plain(5)), "RUN   LOSS\ntiny  1.734\n") << "the others stay";
  Terminal pipe = Plain(5);
  pipe.cuts = false;
  EXPECT_EQ(table.Render(pipe), "RUN   BY   ISA     LOSS\ntiny  ada  avx512  1.734\n");
}

TEST(Table, ShrinksBeforeItLeavesOut) {
  Table table({{"RUN"}, {"BY", A::kLeft, false, 1}, {"NOTE", A::kLeft, true}});
  table.Add({"tiny", "ada", std::string(20, 'x')});
  EXPECT_EQ(table.Render(Plain(23)), "RUN   BY   NOTE\ntiny  ada  xxxxxxxxxxx…\n");
  EXPECT_EQ(table.Render(Plain(22)), "RUN   NOTE\ntiny  xxxxxxxxxxxxxxx…\n");
}

TEST(Table, EscapeCodesTakeNoColumns) {
  Terminal terminal = Plain(80);
  terminal.color = true;
  Table table({{"STATE"}, {"N", A::kRight}});
  table.Add({Styled(terminal, Style::kGreen, "ok"), "1"});
  EXPECT_EQ(table.Render(terminal),
            "\x1b[2mSTATE\x1b[0m  \x1b[2mN\x1b[0m\n\x1b[32mok\x1b[0m     1\n");
}

TEST(Table, WithoutRowsSaysSo) {
  Table table({{"RUN"}});
  EXPECT_TRUE(table.empty());
  table.Add({"a"});
  EXPECT_FALSE(table.empty());
}

TEST(TableDeathTest, ARowOfAnotherLengthIsAMistakeOfOurs) {
  Table table({{"RUN"}, {"STATE"}});
  table.Add({"a"});
  EXPECT_DEATH((void)table.Render(Plain(80)), "columns_");
}

}  // namespace
}  // namespace shoal::cli
