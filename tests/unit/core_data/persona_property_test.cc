// What holds for every persona: grammars are made at random, valid by construction.
#include <algorithm>

#include "core/base/strings.h"
#include "core/data/lint/lint.h"
#include "core/data/near_copies.h"
#include "core/data/persona/persona.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {
namespace {

// Writes one grammar as YAML.
class RandomPersona {
 public:
  explicit RandomPersona(Random& random) : random_(random) {}

  std::string Yaml() {
    std::string yaml =
        "format: 1\nname: R\nprompt_style: {lower: 0.3, upper: 0.1, no_ending: 0.3}\n";
    if (random_.Below(2) == 0) {
      StrAppend(yaml, "starters: {chance: 0.5, lines: [\"", Words(), "\"]}\n");
    }
    yaml += "blanks:\n  n: {from: -3, to: 12}\n";
    for (blanks_ = 0; blanks_ < 3; ++blanks_) {
      StrAppend(yaml, "  b", blanks_, ": [");
      const uint64_t fillers = 1 + random_.Below(6);
      for (uint64_t i = 0; i < fillers; ++i) StrAppend(yaml, i > 0 ? ", " : "", Quoted(2));
      yaml += "]\n";
    }
    yaml += "topics:\n";
    const uint64_t topics = 1 + random_.Below(3);
    for (uint64_t t = 0; t < topics; ++t) AppendTopic(t, yaml);
    return yaml;
  }

 private:
  void AppendTopic(uint64_t t, std::string& yaml) {
    StrAppend(yaml, "  - name: t", t, "\n    weight: ", 1 + random_.Below(3), "\n");
    AppendTurn("    ", yaml);
    if (random_.Below(3) == 0) return;
    StrAppend(yaml, "    follow_ups:\n      chance: 0.7\n      most: ", 1 + random_.Below(3),
              "\n      turns:\n");
    const uint64_t turns = 1 + random_.Below(3);
    for (uint64_t i = 0; i < turns; ++i) {
      std::string turn;
      AppendTurn("          ", turn);
      turn[8] = '-';
      yaml += turn;
    }
  }

  void AppendTurn(std::string_view indent, std::string& yaml) {
    for (const char* key : {"prompts", "responses"}) {
      StrAppend(yaml, indent, key, ": [");
      const uint64_t lines = 1 + random_.Below(4);
      for (uint64_t i = 0; i < lines; ++i) StrAppend(yaml, i > 0 ? ", " : "", Quoted(5));
      yaml += "]\n";
    }
  }

  std::string Quoted(uint64_t most) {
    std::string line = Words();
    const uint64_t pieces = random_.Below(most + 1);
    for (uint64_t i = 0; i < pieces; ++i) StrAppend(line, " ", Piece(0), Words());
    return StrCat("\"", line, "\"");
  }

  std::string Piece(int depth) {
    const uint64_t kind = random_.Below(depth > 1 ? 3 : 5);
    const uint64_t tag = random_.Below(3);
    if (kind == 3) return StrCat("{=n@", tag, "+n@", random_.Below(3), "*2-1}");
    if (kind == 4) return StrCat("{", Piece(depth + 1), "|", Words(), "|}");
    const std::string name =
        blanks_ == 0 || random_.Below(4) == 0 ? "n" : StrCat("b", random_.Below(blanks_));
    if (kind == 0) return StrCat("{", name, "}");
    if (kind == 1) return StrCat("{", random_.Below(2) == 0 ? "^" : "", "a ", name, "}");
    return StrCat("{", name, "@", tag, "}");
  }

  std::string Words() {
    static constexpr std::string_view kWords[] = {"otter", "the", "lamp", "is", "wet", "not",
                                                  "today", "sea", "é",    "?",  "!",   "7"};
    std::string text(kWords[random_.Below(std::size(kWords))]);
    for (uint64_t i = random_.Below(4); i > 0; --i) {
      StrAppend(text, " ", kWords[random_.Below(std::size(kWords))]);
    }
    return text;
  }

  Random& random_;
  uint64_t blanks_ = 0;
};

std::string Whole(const Conversation& conversation) {
  std::string text;
  for (const Message& message : conversation.messages) StrAppend(text, message.content, "\n");
  return text;
}

void CheckConversation(const Conversation& c) {
  ASSERT_GE(c.messages.size(), 2u);
  ASSERT_EQ(c.messages.size() % 2, 0u);
  for (size_t i = 0; i < c.messages.size(); ++i) {
    EXPECT_EQ(c.messages[i].role, i % 2 == 0 ? Role::kUser : Role::kAssistant);
    EXPECT_EQ(c.messages[i].content.find_first_of("{}|@"), std::string::npos)
        << c.messages[i].content;
    EXPECT_FALSE(c.messages[i].content.empty());
  }
}

TEST(PersonaPropertyTest, ConversationsArePureAndHaveNoTraceOfTheGrammar) {
  int64_t several_turns = 0;
  for (uint32_t g = 0; g < 150; ++g) {
    Random random = TestRandom(1000 + g);
    const std::string yaml = RandomPersona(random).Yaml();
    SCOPED_TRACE(yaml);
    ASSERT_OK_AND_ASSIGN(const Persona persona, Persona::FromYaml(yaml, "random.yaml"));
    std::vector<Conversation> forward;
    for (int64_t i = 0; i < 40; ++i) {
      forward.push_back(persona.Generate(g, i));
      ASSERT_NO_FATAL_FAILURE(CheckConversation(forward.back()));
      several_turns += forward.back().messages.size() > 2 ? 1 : 0;
    }
    ASSERT_OK_AND_ASSIGN(const Persona again, Persona::FromYaml(yaml, "random.yaml"));
    for (int64_t i = 39; i >= 0; --i) {
      ASSERT_EQ(again.Generate(g, i), forward[static_cast<size_t>(i)]);
    }
  }
  EXPECT_GT(several_turns, 500);
}

TEST(PersonaPropertyTest, NothingHeldOutHasANearCopyInTraining) {
  int64_t held_out = 0, left_out = 0;
  for (uint32_t g = 0; g < 40; ++g) {
    Random random = TestRandom(5000 + g);
    const std::string yaml = RandomPersona(random).Yaml();
    SCOPED_TRACE(yaml);
    ASSERT_OK_AND_ASSIGN(const Persona persona, Persona::FromYaml(yaml, "random.yaml"));
    ASSERT_OK_AND_ASSIGN(const PersonaData data, GeneratePersona(persona, 200, g, 0.1));
    EXPECT_LE(data.held_out.size(), 20u);
    EXPECT_LE(data.train.size() + data.held_out.size(), 200u);
    held_out += static_cast<int64_t>(data.held_out.size());
    left_out += data.report.left_out;
    for (const Conversation& h : data.held_out) {
      for (const Conversation& t : data.train) {
        ASSERT_LT(TextSimilarity(Whole(h), Whole(t)), kNearCopySimilarity);
      }
    }
    LintOptions strict;
    strict.max_near = 0;
    const LintReport report = LintData(RenderAll(data.train), RenderAll(data.held_out), strict);
    EXPECT_TRUE(report.passed()) << StrJoin(report.failures, "\n");
    EXPECT_EQ(report.output.in_train, 0);
    ASSERT_OK_AND_ASSIGN(const PersonaData again, GeneratePersona(persona, 200, g, 0.1));
    EXPECT_EQ(again.train, data.train);
    EXPECT_EQ(again.held_out, data.held_out);
  }
  EXPECT_GT(held_out, 300);
  EXPECT_GT(left_out, 100);
}

}  // namespace
}  // namespace shoal::data
