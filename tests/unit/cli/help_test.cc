// The whole tree of commands as --help shows it: every command says what it does and has examples
// that parse. Nothing runs.
#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

#include "cli/commands/app.h"
#include "cli/commands/help_layout.h"
#include "core/base/strings.h"
#include "core/spec/field_help.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/cli/command_tree.h"
#include "tests/unit/cli/shell_words.h"

namespace shoal::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string HelpOf(const CLI::App& app) {
  return app.get_formatter()->make_help(&app, app.get_display_name(), CLI::AppFormatMode::Normal);
}

// The indented lines below `heading`.
std::vector<std::string> LinesBelow(const std::string& help, std::string_view heading) {
  std::vector<std::string> lines;
  bool below = false;
  for (const std::string_view line : StrSplit(help, '\n')) {
    if (below && !line.starts_with("  ")) break;
    if (below) lines.emplace_back(StripSpace(line));
    if (line == heading) below = true;
  }
  return lines;
}

// The fields of a spec that a call names do exist.
void ExpectFieldsExist(const std::vector<std::string>& call) {
  for (size_t i = 0; i + 1 < call.size(); ++i) {
    if (call[i] != "--set" && call[i] != "--vary") continue;
    const std::string path = call[i + 1].substr(0, call[i + 1].find('='));
    EXPECT_TRUE(spec::DescribeField(path).ok()) << path;
  }
}

// All calls in `examples` parse; answers how many are of the command at `path` or of one below it.
int ExpectExamplesParse(const std::vector<std::string>& examples, const std::string& path) {
  int own = 0;
  for (const std::string& example : examples) {
    SCOPED_TRACE(example);
    const auto calls = CallsOfShoal(example);
    EXPECT_THAT(calls, Not(IsEmpty()));
    bool is_own = false;
    for (const auto& call : calls) {
      const std::string runs = Parsed(call);
      EXPECT_THAT(runs, Not(HasSubstr("does not parse")));
      ExpectFieldsExist(call);
      is_own |= runs == path || runs.starts_with(path + " ");
    }
    own += is_own ? 1 : 0;
  }
  return own;
}

class HelpTest : public testing::Test {
 protected:
  Globals globals_;
  const std::unique_ptr<CLI::App> app_ = BuildApp(globals_);
  const std::map<std::string, CLI::App*> commands_ = CommandsOf(*app_);
};

TEST_F(HelpTest, TheTreeHasCommandsOfAllDepths) {
  for (const char* path : {"launch", "dataset import", "workers drain", "coordinator join-file"})
    EXPECT_TRUE(commands_.contains(path)) << path;
}

TEST_F(HelpTest, EveryCommandHasTwoExamplesOfItsOwnThatParse) {
  for (const auto& [path, command] : commands_) {
    SCOPED_TRACE(path);
    EXPECT_GE(ExpectExamplesParse(LinesBelow(HelpOf(*command), "Examples:"), path), 2);
  }
}

TEST_F(HelpTest, FirstStepsParse) {
  const auto steps = LinesBelow(HelpOf(*app_), "First steps:");
  EXPECT_GE(steps.size(), 4u);
  ExpectExamplesParse(steps, "");
}

TEST_F(HelpTest, SummariesAreOneLineWithACapitalAndNoPeriod) {
  for (const auto& [path, command] : commands_) {
    const std::string summary = command->get_description();
    SCOPED_TRACE(StrCat(path, ": ", summary));
    ASSERT_FALSE(summary.empty());
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(summary.front())) != 0);
    EXPECT_NE(summary.back(), '.');
    EXPECT_EQ(summary.find('\n'), std::string::npos);
  }
}

TEST_F(HelpTest, EveryOptionIsExplained) {
  for (const auto& [path, command] : commands_) {
    for (const CLI::Option* option : command->get_options())
      EXPECT_FALSE(option->get_description().empty()) << path << " " << option->get_name();
  }
}

TEST_F(HelpTest, NoLineIsWiderThanTheLayout) {
  const auto expect_fits = [](const CLI::App& app) {
    const std::string help = HelpOf(app);
    for (const std::string_view line : StrSplit(help, '\n'))
      EXPECT_LE(line.size(), HelpLayout::kWidth) << line;
  };
  expect_fits(*app_);
  for (const auto& [path, command] : commands_) expect_fits(*command);
}

TEST_F(HelpTest, ListsCommandsInSectionsAndHidesThoseForScripts) {
  const std::string help = HelpOf(*app_);
  EXPECT_THAT(LinesBelow(help, "Train:"), testing::SizeIs(testing::Ge(4u)));
  EXPECT_THAT(help, Not(HasSubstr("Subcommands:")));
  EXPECT_THAT(help, Not(HasSubstr("\n  complete ")));
  std::string flowing = help;  // without the breaks of its lines
  std::replace(flowing.begin(), flowing.end(), '\n', ' ');
  EXPECT_THAT(flowing, HasSubstr(StrCat("`shoal help TOPIC` explains what several commands share: ",
                                        HelpTopics())));
  EXPECT_THAT(help, HasSubstr("Exit codes: 0 ok"));
  const std::string topics = HelpTopics();
  for (const std::string_view topic : StrSplit(topics, ','))
    EXPECT_EQ(Parsed({"help", std::string(StripSpace(topic))}), "help");
}

TEST(Examples, AWrongOneDoesNotParse) {
  EXPECT_THAT(Parsed({"launch"}), HasSubstr("does not parse"));
  EXPECT_THAT(Parsed({"launch", "tiny", "--no-such-option"}), HasSubstr("does not parse"));
  EXPECT_THAT(Parsed({"dataset"}), HasSubstr("does not parse"));
  EXPECT_EQ(Parsed({"dataset", "list"}), "dataset list");
}

TEST(CallsOfShoal, FindsThemInAShellLine) {
  using Words = std::vector<std::string>;
  EXPECT_THAT(CallsOfShoal("shoal chat last"), ElementsAre(Words{"chat", "last"}));
  EXPECT_THAT(CallsOfShoal("A=1 shoal up  # shoal down"), ElementsAre(Words{"up"}));
  EXPECT_THAT(CallsOfShoal("echo 'a | b' | shoal generate - > out.txt"),
              ElementsAre(Words{"generate", "-"}));
  EXPECT_THAT(CallsOfShoal("scp $(shoal coordinator join-file) nora:"),
              ElementsAre(Words{"coordinator", "join-file"}));
  EXPECT_THAT(CallsOfShoal("shoal a \"b c\" '' d\\ e && shoal f"),
              ElementsAre(Words{"a", "b c", "", "d e"}, Words{"f"}));
  EXPECT_THAT(CallsOfShoal("echo shoal"), IsEmpty());
}

TEST(WrapText, BreaksLongLinesOnly) {
  EXPECT_EQ(WrapText("", 4), "");
  EXPECT_EQ(WrapText("ab cd", 5), "ab cd");
  EXPECT_EQ(WrapText("ab cd ef", 5), "ab cd\nef");
  EXPECT_EQ(WrapText("abcdefg h", 3), "abcdefg\nh");
  EXPECT_EQ(WrapText("  a  b\nlong line", 6), "  a  b\nlong\nline");
}

TEST(HelpLayout, NamesAValueOnce) {
  CLI::App app;
  int number = 0;
  std::string text;
  app.add_option("--number", number, "A number")->check(CLI::Range(1, 9));
  app.add_option("--text", text, "A text")->check(CLI::IsMember({"a", "b"}));
  app.formatter(std::make_shared<HelpLayout>());
  EXPECT_THAT(app.help(), HasSubstr("--number INT in [1 - 9]"));
  EXPECT_THAT(app.help(), HasSubstr("--text {a,b}"));
}

}  // namespace
}  // namespace shoal::cli
