#include "core/data/persona/persona.h"

#include <cstdio>
#include <set>

#include "absl/strings/ascii.h"
#include "core/base/strings.h"
#include "core/data/lint/lint.h"
#include "core/data/near_copies.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::AnyOf;
using testing::HasSubstr;

constexpr int64_t kCount = 60'000;

const PersonaData& Pebble() {
  static const PersonaData data =
      *GeneratePersona(*Persona::Load(SourcePath("personas/pebble.yaml")), kCount, 1);
  return data;
}

TEST(PebbleTest, HasManyTopicsAndNearlyAllConversationsAreUnique) {
  const PersonaReport& report = Pebble().report;
  EXPECT_EQ(report.conversations, kCount);
  EXPECT_GE(report.unique_conversations, kCount * 99 / 100);
  EXPECT_GE(report.unique_responses, kCount * 90 / 100);
  EXPECT_GE(report.unique_prompts, kCount * 30 / 100);
  EXPECT_GE(report.topics.size(), 60u);
  EXPECT_GE(report.with_follow_ups, kCount / 10);
  EXPECT_LT(report.left_out, kCount / 20);
  for (const TopicReport& topic : report.topics) {
    EXPECT_GT(topic.conversations, kCount / 200) << topic.topic;
    EXPECT_GT(topic.unique_responses, topic.conversations * 7 / 10) << topic.topic;
    EXPECT_GT(topic.unique_prompts, 15) << topic.topic;
  }
}

TEST(PebbleTest, AnswersAreShortAndHaveNoTraceOfTheGrammar) {
  EXPECT_GE(Pebble().report.response_words_min, 4);
  EXPECT_LE(Pebble().report.response_words_max, 60);
  for (const auto* side : {&Pebble().train, &Pebble().held_out}) {
    for (const Conversation& c : *side) {
      ASSERT_GE(c.messages.size(), 2u);
      for (const Message& message : c.messages) {
        ASSERT_EQ(message.content.find_first_of("{}|@^_<>"), std::string::npos) << message.content;
        ASSERT_EQ(message.content.find("  "), std::string::npos) << message.content;
        ASSERT_FALSE(message.content.empty());
        ASSERT_NE(message.content.back(), ' ') << message.content;
        if (message.role == Role::kUser) continue;
        ASSERT_THAT(message.content.back(), AnyOf('.', '!', '?')) << message.content;
        ASSERT_FALSE(absl::ascii_islower(static_cast<unsigned char>(message.content[0])))
            << message.content;
      }
    }
  }
}

TEST(PebbleTest, NothingHeldOutLeaksIntoTraining) {
  const PersonaData& data = Pebble();
  EXPECT_EQ(data.held_out.size(), size_t{kCount} / 20);
  EXPECT_EQ(data.train.size() + data.held_out.size(), size_t{kCount});
  LintOptions strict;
  strict.max_near = 0;
  const LintReport report = LintData(RenderAll(data.train), RenderAll(data.held_out), strict);
  EXPECT_TRUE(report.passed()) << StrJoin(report.failures, "\n");
  EXPECT_EQ(report.exact.in_train, 0);
  EXPECT_EQ(report.near.in_train, 0);
  EXPECT_EQ(report.output.in_train, 0);
  for (const TopicLint& topic : report.topics) {
    EXPECT_GT(topic.held_out, 0) << topic.topic;
    EXPECT_LT(topic.effective_repeats(), 3) << topic.topic;
  }
}

// Not only whole conversations: no answer is nearly that of a held-out conversation either.
TEST(PebbleTest, NoAnswerOfTrainingIsANearCopyOfAHeldOutOne) {
  std::vector<std::string> held_out;
  for (const Conversation& c : Pebble().held_out) {
    for (size_t i = 1; i < c.messages.size(); i += 2) held_out.push_back(c.messages[i].content);
  }
  NearCopyIndex index(held_out, kNearCopySimilarity);
  for (const Conversation& c : Pebble().train) {
    for (size_t i = 1; i < c.messages.size(); i += 2) {
      ASSERT_TRUE(index.Find(c.messages[i].content).empty()) << c.messages[i].content;
    }
  }
}

TEST(PebbleTest, CanAdd) {
  int64_t sums = 0;
  for (const Conversation& c : Pebble().train) {
    int a = 0, b = 0;
    if (c.topic != "addition" || std::sscanf(c.messages[0].content.c_str(), "%d + %d", &a, &b) != 2)
      continue;
    ++sums;
    EXPECT_THAT(c.messages[1].content, HasSubstr(StrCat(a + b)));
  }
  EXPECT_GT(sums, 20);
}

TEST(PebbleTest, AConversationDependsOnSeedAndIndexOnly) {
  ASSERT_OK_AND_ASSIGN(const Persona persona, Persona::Load(SourcePath("personas/pebble.yaml")));
  ASSERT_OK_AND_ASSIGN(const PersonaData small, GeneratePersona(persona, 200, 1, 0));
  for (int64_t i = 199; i >= 0; --i) {
    EXPECT_EQ(persona.Generate(1, i), small.train[static_cast<size_t>(i)]);
  }
  EXPECT_NE(persona.Generate(2, 0), persona.Generate(1, 0));
  ASSERT_OK_AND_ASSIGN(const PersonaData again, GeneratePersona(persona, 1000, 5));
  ASSERT_OK_AND_ASSIGN(const PersonaData other, GeneratePersona(persona, 1000, 5));
  EXPECT_EQ(again.held_out, other.held_out);
}

TEST(PersonaTest, TemplateLanguage) {
  constexpr char kYaml[] = R"(
format: 1
name: Test
blanks:
  fruit: [apple, pear]
  n: {from: 8, to: 8}
topics:
  - name: t
    prompts: ["{fruit@1}"]
    responses: ["{fruit@1} {fruit} {^a fruit@1} {a n} {x|{n}}"]
)";
  ASSERT_OK_AND_ASSIGN(const Persona persona, Persona::FromYaml(kYaml, "t.yaml"));
  std::set<std::string> seen;
  for (int64_t i = 0; i < 200; ++i) {
    const Conversation c = persona.Generate(3, i);
    seen.insert(StrCat(c.messages[0].content, ": ", c.messages[1].content));
  }
  EXPECT_THAT(seen, testing::ElementsAre(
                        "apple: apple pear An apple an 8 8", "apple: apple pear An apple an 8 x",
                        "pear: pear apple A pear an 8 8", "pear: pear apple A pear an 8 x"));
}

absl::Status ErrorOf(std::string_view body) {
  return Persona::FromYaml(StrCat("format: 1\nname: T\n", body), "p.yaml").status();
}

std::string WithLine(std::string_view line) {
  return StrCat(
      "blanks:\n  x: [one]\ntopics:\n  - name: t\n    prompts: [hi]\n    responses:\n      - ",
      line, "\n");
}

TEST(PersonaTest, MistakesHaveTheirPlace) {
  const auto invalid = [](std::string_view message) {
    return StatusIs(StatusCode::kInvalidArgument, HasSubstr(std::string(message)));
  };
  EXPECT_THAT(ErrorOf(WithLine("\"a {nope} b\"")), invalid("p.yaml:9:12: no blank is called nope"));
  EXPECT_THAT(ErrorOf(WithLine("a {nope} b")), invalid("p.yaml:9:11: no blank is called nope"));
  EXPECT_THAT(ErrorOf(WithLine("a {x")), invalid("p.yaml:9:11: { without a }"));
  EXPECT_THAT(ErrorOf(WithLine("a x} b")), invalid("p.yaml:9:12: } without a {"));
  EXPECT_THAT(ErrorOf(WithLine("{x}")), invalid("p.yaml:9:9: responses: expected text"));
  EXPECT_THAT(ErrorOf(WithLine("a {x@y}")), invalid("after @ comes a number"));
  EXPECT_THAT(ErrorOf(WithLine("a {x y z}")), invalid("expected the name of a blank"));
  EXPECT_THAT(ErrorOf(WithLine("a {the_x|b}")), invalid("looks like a blank"));
  EXPECT_THAT(ErrorOf("topics: []\n"), invalid("p.yaml:3:9: topics: expected a list of topics"));
  EXPECT_THAT(ErrorOf("topcis: 1\n"), invalid("p.yaml:3:1: unknown key topcis"));
  EXPECT_THAT(ErrorOf("a: [\n"), invalid("p.yaml:"));
  EXPECT_THAT(ErrorOf("blanks:\n  a: [\"{b}\"]\n  b: [\"{a}\"]\n" + WithLine("hi").substr(19)),
              invalid("contains itself"));
  EXPECT_THAT(ErrorOf("prompt_style: {lower: 2}\ntopics: 1\n"),
              invalid("lower: expected a number from 0 to 1"));
  EXPECT_THAT(Persona::Load("/nonexistent.yaml"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(GeneratePersona(
                  *Persona::FromYaml(StrCat("format: 1\nname: T\n", WithLine("hi")), "p"), 0, 1),
              invalid("count is 0"));
}

constexpr char kTalk[] = R"(
format: 1
name: Test
blanks:
  fish: [cod, eel, ray]
  n: {from: 2, to: 4}
topics:
  - name: t
    prompts: ["hi"]
    responses: ["a {fish@1}", "nothing"]
    follow_ups:
      chance: 1
      most: 3
      turns:
        - prompts: ["why {fish@1}?"]
          responses: ["{fish@1} is good", "ask {fish@2}"]
        - prompts: ["{n@1} and {n@2}?"]
          responses: ["{=n@1+n@2} or {=n@1*10-n@2}"]
        - prompts: ["who is {fish@2}?"]
          responses: ["not {fish}"]
)";

TEST(FollowUpTest, ShareNumberedBlanksAndWaitForThem) {
  ASSERT_OK_AND_ASSIGN(const Persona persona, Persona::FromYaml(kTalk, "t.yaml"));
  std::set<size_t> turns;
  for (int64_t i = 0; i < 500; ++i) {
    const std::vector<Message> m = persona.Generate(5, i).messages;
    turns.insert(m.size() / 2);
    ASSERT_EQ(m.size() % 2, 0u);
    const bool named = m[1].content != "nothing";
    std::string second;
    for (size_t t = 2; t < m.size(); t += 2) {
      ASSERT_EQ(m[t].role, Role::kUser);
      ASSERT_EQ(m[t + 1].role, Role::kAssistant);
      const std::string& asked = m[t].content;
      if (asked.starts_with("why")) {
        ASSERT_TRUE(named);
        EXPECT_EQ(asked, StrCat("why ", m[1].content.substr(2), "?"));
        if (m[t + 1].content.starts_with("ask ")) second = m[t + 1].content.substr(4);
      } else if (asked.starts_with("who")) {
        ASSERT_FALSE(second.empty());
        EXPECT_EQ(asked, StrCat("who is ", second, "?"));
        EXPECT_NE(m[t + 1].content, StrCat("not ", second));
      } else {
        const int a = asked[0] - '0', b = asked[6] - '0';
        EXPECT_EQ(m[t + 1].content, StrCat(a + b, " or ", a * 10 - b));
      }
    }
  }
  EXPECT_THAT(turns, testing::ElementsAre(2, 3, 4));  // the sum can always be asked
}

TEST(FollowUpTest, AConversationIsAPureFunctionOfItsIndex) {
  ASSERT_OK_AND_ASSIGN(const Persona a, Persona::FromYaml(kTalk, "t.yaml"));
  ASSERT_OK_AND_ASSIGN(const Persona b, Persona::FromYaml(kTalk, "t.yaml"));
  std::vector<Conversation> forward;
  for (int64_t i = 0; i < 300; ++i) forward.push_back(a.Generate(9, i));
  for (int64_t i = 299; i >= 0; --i) ASSERT_EQ(b.Generate(9, i), forward[static_cast<size_t>(i)]);
}

TEST(FollowUpTest, MistakesHaveTheirPlaceAllAtOnce) {
  const absl::Status status = ErrorOf(
      "blanks: {x: [one], n: {from: 1, to: 1000000000}}\n"
      "topics:\n"
      "  - name: t\n"
      "    prompts: [a]\n"
      "    responses: [\"{=x@1}\", \"{=n@1*n@2}\"]\n"
      "    follow_ups:\n"
      "      chance: 0.5\n"
      "      turns:\n"
      "        - prompts: [\"and {nope}\"]\n"
      "          responses: [\"{=nope@1}\"]\n");
  EXPECT_EQ(std::string(status.message()),
            "p.yaml:7:18: {=...}: the blank x is not a number\n"
            "p.yaml:7:28: {=...} can become larger than a number may be\n"
            "p.yaml:11:26: no blank is called nope\n"
            "p.yaml:12:24: no blank is called nope");
  const std::string shape(
      ErrorOf("topics:\n  - name: t\n    prompts: [a]\n    responses: [\"{=3}\", \"{=n}\"]\n"
              "    follow_ups: {most: 0, turns: [{prompts: [], replies: [b]}], often: 1}\n")
          .message());
  for (const char* expected :
       {"p.yaml:6:26: {=n}: expected numbered blanks", "unknown key often in follow_ups",
        "p.yaml:7:17: follow_ups: chance is missing", "most: expected a whole number from 1 to 20",
        "unknown key replies in a follow-up", "prompts: expected a list of lines",
        "p.yaml:7:35: responses: expected a list of lines"}) {
    EXPECT_THAT(shape, HasSubstr(expected));
  }
  EXPECT_THAT(
      std::string(ErrorOf("topics:\n  - {name: t, prompts: [a], responses: [b], follow_ups: "
                          "{chance: 0.5}}\n")
                      .message()),
      HasSubstr("follow_ups.turns: expected a list of turns"));
}

TEST(PersonaTest, AllMistakesAtOnce) {
  const absl::Status status = ErrorOf(
      "extra: 1\nblanks: {x: [], y: {from: 5, to: 1}}\ntopics:\n  - {name: t, prompts: [a], "
      "responses: []}\n  - {name: t, prompts: [a], responses: [b], weight: -1}\n");
  const std::string text(status.message());
  for (const char* expected : {"unknown key extra", "blank x: expected a list", "from is above to",
                               "responses: expected a list", "topic t occurs twice", "weight: "}) {
    EXPECT_THAT(text, HasSubstr(expected));
  }
}

TEST(PersonaTest, DeepNestingIsRefused) {
  EXPECT_THAT(ErrorOf(std::string(100'000, '[')), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ErrorOf(WithLine(StrCat("x", std::string(50'000, '{'), std::string(50'000, '}')))),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(PersonaTest, ExpansionIsBounded) {
  std::string yaml = "blanks:\n  b0: [\"0123456789\"]\n";
  for (int i = 1; i < 40; ++i) StrAppend(yaml, "  b", i, ": [\"{b", i - 1, "}{b", i - 1, "}\"]\n");
  yaml += "topics:\n  - {name: t, prompts: [a], responses: [\"{b39}\"]}\n";
  EXPECT_THAT(ErrorOf(yaml), StatusIs(StatusCode::kInvalidArgument, HasSubstr("4000 bytes")));
}

}  // namespace
}  // namespace shoal::data
