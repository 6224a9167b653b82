#include "core/data/persona.h"

#include <set>

#include "core/base/strings.h"
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

TEST(PebbleTest, NearlyAllConversationsAreUnique) {
  const PersonaReport& report = Pebble().report;
  EXPECT_EQ(report.conversations, kCount);
  EXPECT_GE(report.unique_conversations, kCount * 90 / 100);
  EXPECT_GE(report.unique_responses, kCount * 75 / 100);
  EXPECT_GE(report.topics.size(), 25u);
  for (const TopicReport& topic : report.topics) {
    EXPECT_GT(topic.conversations, 1000) << topic.topic;
    EXPECT_GT(topic.unique_responses, 1000) << topic.topic;
    EXPECT_GT(topic.unique_prompts, 40) << topic.topic;
  }
}

TEST(PebbleTest, AnswersAreShortAndHaveNoTraceOfTheGrammar) {
  EXPECT_GE(Pebble().report.response_words_min, 5);
  EXPECT_LE(Pebble().report.response_words_max, 45);
  for (const auto* side : {&Pebble().train, &Pebble().held_out}) {
    for (const Conversation& c : *side) {
      ASSERT_EQ(c.messages.size(), 2u);
      for (const Message& message : c.messages) {
        ASSERT_EQ(message.content.find_first_of("{}|@^_<>"), std::string::npos) << message.content;
        ASSERT_EQ(message.content.find("  "), std::string::npos) << message.content;
        ASSERT_FALSE(message.content.empty());
        ASSERT_NE(message.content.back(), ' ') << message.content;
      }
      ASSERT_THAT(c.messages[1].content.back(), AnyOf('.', '!', '?')) << c.messages[1].content;
    }
  }
}

TEST(PebbleTest, NothingHeldOutOccursInTraining) {
  const PersonaData& data = Pebble();
  EXPECT_EQ(data.held_out.size(), size_t{kCount} / 20);
  EXPECT_EQ(data.train.size() + data.held_out.size(), size_t{kCount});
  std::set<std::string> answers, conversations;
  for (const Conversation& c : data.train) {
    answers.insert(c.messages[1].content);
    conversations.insert(ToJsonLine(c));
  }
  for (const Conversation& c : data.held_out) {
    ASSERT_FALSE(answers.contains(c.messages[1].content)) << c.messages[1].content;
    ASSERT_FALSE(conversations.contains(ToJsonLine(c)));
  }
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
