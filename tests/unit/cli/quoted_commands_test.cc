// Commands that the help topics and the documents quote: each is one that there is, with options
// that it has. Nothing runs.
#include <algorithm>
#include <memory>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/cli/command_tree.h"
#include "tests/unit/cli/shell_words.h"

namespace shoal::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Calls = std::vector<std::vector<std::string>>;

struct Quoted {
  Calls typed;  // lines as they are typed: a whole call each
  Calls named;  // in `...` inside of a sentence: perhaps not whole
};

// The command at the beginning of a line of a table: two spaces end it.
std::string FirstColumn(std::string_view line) {
  return std::string(line.substr(0, line.find("  ")));
}

Quoted QuotedIn(const std::string& text) {
  Quoted found;
  for (const std::string_view raw : StrSplit(text, '\n')) {
    std::string_view line = StripSpace(raw);
    const bool indented = raw.starts_with("  ") || raw.starts_with("shoal ");
    const bool prompt = line.starts_with("$ ");
    if (prompt) line.remove_prefix(2);
    if (prompt || (indented && line.starts_with("shoal "))) {
      for (auto& call : CallsOfShoal(prompt ? std::string(line) : FirstColumn(line)))
        found.typed.push_back(std::move(call));
      continue;
    }
    for (size_t at = 0; (at = line.find("`shoal ", at)) != line.npos;) {
      const size_t end = line.find('`', at + 1);
      if (end == line.npos) break;
      for (auto& call : CallsOfShoal(std::string(line.substr(at + 1, end - at - 1))))
        found.named.push_back(std::move(call));
      at = end + 1;
    }
  }
  return found;
}

bool IsPlaceholder(const std::string& word) {
  return std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

CLI::App* CommandIn(CLI::App& app, const std::string& name) {
  const auto found =
      app.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

// Why a call that need not be whole cannot be meant; "" when it can.
std::string WhyNot(CLI::App& app, const std::vector<std::string>& call) {
  CLI::App* at = &app;
  bool in_path = true;
  for (const std::string& word : call) {
    if (word.starts_with("--") && word != "--help") {
      bool known = false;
      for (const CLI::App* owner = at; owner != nullptr; owner = owner->get_parent())
        known |= owner->get_option_no_throw(word.substr(0, word.find('='))) != nullptr;
      if (!known) return StrCat("no option ", word);
    }
    if (!in_path || word.starts_with('-')) continue;
    CLI::App* next = CommandIn(*at, word);
    if (next == nullptr && at == &app && !IsPlaceholder(word)) return StrCat("no command ", word);
    in_path = next != nullptr;
    if (next != nullptr) at = next;
  }
  return "";
}

void ExpectAllCanBeMeant(const std::string& text) {
  Globals globals;
  const std::unique_ptr<CLI::App> app = BuildApp(globals);
  const Quoted quoted = QuotedIn(text);
  for (const auto& call : quoted.typed)
    EXPECT_THAT(Parsed(call), Not(HasSubstr("does not parse"))) << StrJoin(call, " ");
  for (const auto& call : quoted.named)
    EXPECT_THAT(WhyNot(*app, call), IsEmpty()) << StrJoin(call, " ");
}

std::string TopicText(const std::string& topic) {
  Globals globals;
  const std::unique_ptr<CLI::App> app = BuildApp(globals);
  app->parse(std::vector<std::string>{topic, "help"});  // CLI11 wants the last first
  testing::internal::CaptureStdout();
  EXPECT_OK(globals.action());
  return testing::internal::GetCapturedStdout();
}

TEST(QuotedCommands, OfHelpTopicsAreThere) {
  size_t found = 0;
  const std::string topics = HelpTopics();
  for (const std::string_view topic : StrSplit(topics, ',')) {
    SCOPED_TRACE(std::string(topic));
    const std::string text = TopicText(std::string(StripSpace(topic)));
    const Quoted quoted = QuotedIn(text);
    found += quoted.typed.size() + quoted.named.size();
    ExpectAllCanBeMeant(text);
  }
  EXPECT_GE(found, 5U);
}

TEST(QuotedCommands, OfDocumentsAreThere) {
  for (const char* name : {"README.md", "docs/tour.md", "docs/benchmarks.md"}) {
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(const std::string text, RealFileSystem().ReadFile(SourcePath(name)));
    const Quoted quoted = QuotedIn(text);
    EXPECT_GE(quoted.typed.size() + quoted.named.size(), 4U);
    ExpectAllCanBeMeant(text);
  }
}

TEST(QuotedCommands, WrongOnesAreFound) {
  Globals globals;
  const std::unique_ptr<CLI::App> app = BuildApp(globals);
  EXPECT_EQ(WhyNot(*app, {"lauch", "tiny"}), "no command lauch");
  EXPECT_EQ(WhyNot(*app, {"launch", "--folow"}), "no option --folow");
  EXPECT_EQ(WhyNot(*app, {"COMMAND", "--help"}), "");
  const Quoted quoted =
      QuotedIn("say `shoal up`, then\n  shoal list --jsn    all of it\n$ a | shoal chat x\n");
  EXPECT_EQ(quoted.named, (Calls{{"up"}}));
  EXPECT_EQ(quoted.typed, (Calls{{"list", "--jsn"}, {"chat", "x"}}));
}

}  // namespace
}  // namespace shoal::cli
