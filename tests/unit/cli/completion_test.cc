#include "cli/completion/complete.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A tree like the real one's.
class CompletionTest : public testing::Test {
 protected:
  CompletionTest() {
    app_.fallthrough();
    app_.add_option("--lab", text_, "The lab to talk to");
    app_.add_flag("--quiet,-q", flag_, "Print only results");
    CLI::App* launch = app_.add_subcommand("launch", "Submit one run\nand more");
    launch->add_option("recipe", text_, "A recipe");
    launch->add_option("--set", list_, "PATH=VALUE");
    launch->add_flag("--follow", flag_, "Stay");
    CLI::App* list = app_.add_subcommand("list", "List runs");
    list->add_option("--sweep", text_, "Only this sweep's");
    CLI::App* cancel = app_.add_subcommand("cancel", "Cancel");
    cancel->add_option("run", list_, "Runs");
    CLI::App* dataset = app_.add_subcommand("dataset", "Data sets");
    dataset->add_subcommand("import", "Bring data in");
    dataset->add_subcommand("list", "List them");
    app_.add_subcommand("complete", "hidden")->group("");
  }

  Completion At(const std::vector<std::string>& words) { return Complete(app_, words); }
  std::vector<std::string> Words(const std::vector<std::string>& words) {
    std::vector<std::string> texts;
    for (const Candidate& candidate : At(words).candidates) texts.push_back(candidate.text);
    return texts;
  }

  CLI::App app_{"test", "shoal"};
  std::string text_;
  std::vector<std::string> list_;
  bool flag_ = false;
};

TEST_F(CompletionTest, CommandsThatBeginSo) {
  EXPECT_THAT(Words({"l"}), ElementsAre("launch", "list"));
  EXPECT_THAT(Words({""}), ElementsAre("launch", "list", "cancel", "dataset"));  // none hidden
  EXPECT_THAT(Words({"dataset", ""}), ElementsAre("import", "list"));
  EXPECT_THAT(Words({"x"}), IsEmpty());
  EXPECT_EQ(At({"la"}).candidates.front().help, "Submit one run");
}

TEST_F(CompletionTest, OptionsOfTheCommandAndAboveIt) {
  EXPECT_THAT(Words({"launch", "--"}),
              ElementsAre("--help", "--set", "--follow", "--help", "--lab", "--quiet"));
  EXPECT_THAT(Words({"launch", "--s"}), ElementsAre("--set"));
  EXPECT_THAT(Words({"list", "--s"}), ElementsAre("--sweep"));
}

TEST_F(CompletionTest, WhatAnArgumentStandsFor) {
  EXPECT_EQ(At({"launch", "ti"}).wanted, Wanted::kRecipe);
  EXPECT_EQ(At({"launch", "ti"}).prefix, "ti");
  EXPECT_EQ(At({"launch", "tiny", ""}).wanted, Wanted::kNothing);  // one recipe only
  EXPECT_EQ(At({"cancel", ""}).wanted, Wanted::kRun);
  EXPECT_EQ(At({"cancel", "tiny", "la"}).wanted, Wanted::kRun);  // any number of runs
}

TEST_F(CompletionTest, WhatAnOptionsValueStandsFor) {
  EXPECT_EQ(At({"launch", "tiny", "--set", "model."}).wanted, Wanted::kField);
  EXPECT_EQ(At({"launch", "--set", "a=1", "ti"}).wanted, Wanted::kRecipe);  // the value is past
  EXPECT_EQ(At({"--lab", "list", "la"}).candidates.size(), 1U);  // `list` is --lab's value here
  EXPECT_EQ(At({"-q", "launch", "--follow", "ti"}).wanted, Wanted::kRecipe);
  EXPECT_EQ(At({"list", "--sweep", ""}).wanted, Wanted::kSweep);
}

TEST_F(CompletionTest, NothingIsNothing) {
  EXPECT_THAT(At({}).candidates, IsEmpty());
  EXPECT_THAT(Words({"no", "such", "command", ""}), IsEmpty());
}

TEST(CompletionScriptTest, ThreeShells) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(CompletionScript(shell), HasSubstr("complete --")) << shell;
  }
  EXPECT_EQ(CompletionScript("csh"), "");
}

}  // namespace
}  // namespace shoal::cli
