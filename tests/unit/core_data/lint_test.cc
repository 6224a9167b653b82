#include "core/data/lint/lint.h"

#include <cstdlib>

#include "core/base/file.h"
#include "core/base/random.h"
#include "core/base/strings.h"
#include "core/data/persona/persona.h"
#include "core/data/training_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::data {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Example Chat(std::string question, std::string answer, int64_t line, std::string topic = "t") {
  Conversation conversation;
  conversation.messages = {{Role::kUser, std::move(question)},
                           {Role::kAssistant, std::move(answer)}};
  conversation.topic = std::move(topic);
  Example example = RenderConversation(std::move(conversation));
  example.line = line;
  return example;
}

// Sentences that are not alike: of words that are nobody's.
std::string Sentence(int64_t i) {
  static const char* const kSyllables[] = {"ka", "mo",  "ri", "tel", "su",  "bor", "ne",  "fal",
                                           "ju", "wix", "do", "pra", "leg", "zo",  "hin", "ver"};
  Random random(7, PurposeOf(Purpose::kTest), static_cast<uint64_t>(i));
  std::string text;
  for (int word = 0; word < 9; ++word) {
    if (word > 0) text += ' ';
    for (uint64_t s = 2 + random.Below(2); s > 0; --s) text += kSyllables[random.Below(16)];
  }
  return text + (i % 3 == 0 ? "!" : ".");
}

std::vector<Example> Chats(int64_t from, int64_t to) {
  std::vector<Example> out;
  for (int64_t i = from; i < to; ++i) {
    out.push_back(Chat(Sentence(1000 + i), Sentence(i), i - from + 1));
  }
  return out;
}

TEST(LintTest, CleanDataPasses) {
  const LintReport report = LintData(Chats(0, 80), Chats(80, 100));
  EXPECT_TRUE(report.passed()) << StrJoin(report.failures, "\n");
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(report.leaks, IsEmpty());
  EXPECT_EQ(report.train.examples, 80);
  EXPECT_EQ(report.train.conversations, 80);
  EXPECT_EQ(report.held_out.examples, 20);
  EXPECT_EQ(report.examples, 100);
  EXPECT_EQ(report.unique_examples, 100);
  EXPECT_EQ(report.unique_outputs, 100);
  EXPECT_EQ(report.exact.items, 20);
  EXPECT_EQ(report.exact.in_train, 0);
}

TEST(LintTest, AnExactCopyFailsAndIsShownWithItsLines) {
  std::vector<Example> train = Chats(0, 80), held_out = Chats(80, 100);
  held_out[3] = train[41];
  held_out[3].line = 4;
  const LintReport report = LintData(train, held_out);
  EXPECT_THAT(report.failures, ElementsAre(HasSubstr("5.0 % of the held-out examples are exact")));
  EXPECT_EQ(report.exact.in_train, 1);
  EXPECT_EQ(report.near.in_train, 0);
  EXPECT_EQ(report.output.in_train, 1);
  EXPECT_EQ(report.input.in_train, 1);
  ASSERT_EQ(report.leaks.size(), 1u);
  EXPECT_EQ(report.leaks[0].kind, LeakKind::kExact);
  EXPECT_EQ(report.leaks[0].held_out_line, 4);
  EXPECT_EQ(report.leaks[0].train_line, 42);
  EXPECT_THAT(report.leaks[0].held_out, HasSubstr(Sentence(41)));

  LintOptions lenient;
  lenient.max_exact = 0.05;
  EXPECT_TRUE(LintData(train, held_out, lenient).passed());
}

TEST(LintTest, ANearCopyFails) {
  std::vector<Example> train = Chats(0, 80), held_out = Chats(80, 100);
  train.push_back(Chat("How many boats went by the lighthouse today, keeper?",
                       "I counted 12 boats today. One was a ferry from the old harbour.", 81));
  held_out.push_back(Chat("how many boats went by the lighthouse today keeper",
                          "I counted 7 boats today. One was a barge from the old harbour!", 21));
  const LintReport report = LintData(train, held_out);
  EXPECT_EQ(report.exact.in_train, 0);
  EXPECT_EQ(report.near.items, 21);
  EXPECT_EQ(report.near.in_train, 1);
  EXPECT_THAT(report.failures, ElementsAre(HasSubstr("are near copies")));
  ASSERT_EQ(report.leaks.size(), 1u);
  EXPECT_EQ(report.leaks[0].kind, LeakKind::kNear);
  EXPECT_EQ(report.leaks[0].held_out_line, 21);
  EXPECT_EQ(report.leaks[0].train_line, 81);
  EXPECT_GE(report.leaks[0].similarity, 0.8);
  EXPECT_LT(report.leaks[0].similarity, 1);

  LintOptions lenient;
  lenient.max_near = 0.05;
  const LintReport warned = LintData(train, held_out, lenient);
  EXPECT_TRUE(warned.passed());
  EXPECT_THAT(warned.warnings, ElementsAre(HasSubstr("1 of 21 held-out examples are near")));
  LintOptions exact_only;
  exact_only.similarity = 1;
  EXPECT_EQ(LintData(train, held_out, exact_only).near.in_train, 0);
}

TEST(LintTest, QuestionsAndAnswersOfTrainingAreWarnings) {
  std::vector<Example> train = Chats(0, 80), held_out;
  for (int64_t i = 0; i < 10; ++i) {
    held_out.push_back(Chat(Sentence(1000 + i), Sentence(100 + i), i + 1));
  }
  held_out.push_back(Chat("Something that nobody asked before?", Sentence(7), 11));
  const LintReport report = LintData(train, held_out);
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(report.input.in_train, 10);
  EXPECT_EQ(report.input.items, 11);
  EXPECT_EQ(report.output.in_train, 1);
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("9.1 % of the held-out answers"),
                                           HasSubstr("90.9 % of the held-out questions")));
  ASSERT_EQ(report.leaks.size(), 1u);
  EXPECT_EQ(report.leaks[0].kind, LeakKind::kOutput);
  EXPECT_EQ(report.leaks[0].train_line, 8);
}

TEST(LintTest, UnresolvedBlanksFail) {
  std::vector<Example> train = Chats(0, 30);
  train[6] = Chat("What do you eat?", "I like {pick(FISH)} best.", 7);
  const LintReport report = LintData(train, Chats(40, 45));
  EXPECT_EQ(report.train.unresolved, 1);
  EXPECT_THAT(report.failures, ElementsAre(HasSubstr("1 examples hold what looks like")));
  ASSERT_EQ(report.unresolved.size(), 1u);
  EXPECT_EQ(report.unresolved[0].line, 7);
  EXPECT_FALSE(report.unresolved[0].held_out);
  EXPECT_EQ(report.unresolved[0].blank, "{pick(FISH)}");
  LintOptions lenient;
  lenient.max_unresolved = 1;
  EXPECT_TRUE(LintData(train, Chats(40, 45), lenient).passed());
}

TEST(LintTest, WhatPeopleWroteMayHoldBraces) {
  Example wiki{.text = "The town was founded by {Hamada} in 1901.\n",
               .segments = {},
               .topic = {},
               .chat = false,
               .line = 1};
  const LintReport report = LintData({wiki}, {});
  EXPECT_TRUE(report.passed());
  EXPECT_THAT(report.warnings, Contains(HasSubstr("looks like a template's blank")));
}

TEST(LintTest, KnowsBlanksFromCode) {
  for (const char* blank :
       {"{fish}", "{a fish}", "{^a fish}", "{fish@1}", "{a|b}", "{red|}", "{{name}}",
        "{pick_n(FISH, 2)}", "{=n@1+2}", "%(name)s", "{TANK_OBJECTS}"}) {
    EXPECT_EQ(FindUnresolvedBlank(StrCat("I saw ", blank, " today")), blank);
  }
  EXPECT_EQ(FindUnresolvedBlank("hello ${user} there"), "{user}");
  for (const char* text :
       {"no blank at all", "{ }", "{}", "int main() { return 0; }", "{\"a\": 1}", "100 %(roughly)",
        "{1, 2}", "a { b", "c } d", "{some words of prose here}", ":-{ and }-:"}) {
    EXPECT_EQ(FindUnresolvedBlank(text), "") << text;
  }
}

TEST(LintTest, CountsRepetitionPerTopic) {
  std::vector<Example> train;
  for (int64_t i = 0; i < 60; ++i) {
    train.push_back(Chat(StrCat("q", i), i % 2 == 0 ? "Always this." : "Or that.", i + 1, "dull"));
  }
  for (int64_t i = 0; i < 30; ++i) train.push_back(Chat("q", Sentence(i), 61 + i, "rich"));
  // One output 3 times, one once: N = 4, sum of squares 10.
  for (int64_t i = 0; i < 4; ++i) train.push_back(Chat("q", i < 3 ? "x" : "y", 91 + i, "mixed"));
  const LintReport report = LintData(train, {});
  ASSERT_EQ(report.topics.size(), 3u);
  EXPECT_EQ(report.topics[0].topic, "dull");
  EXPECT_EQ(report.topics[0].unique_outputs, 2);
  EXPECT_DOUBLE_EQ(report.topics[0].repeats(), 30);
  EXPECT_DOUBLE_EQ(report.topics[0].effective_outputs, 2);
  EXPECT_DOUBLE_EQ(report.topics[0].effective_repeats(), 30);
  EXPECT_DOUBLE_EQ(report.topics[1].effective_repeats(), 1);
  EXPECT_EQ(report.topics[1].unique_inputs, 1);
  EXPECT_DOUBLE_EQ(report.topics[2].effective_outputs, 1.6);
  EXPECT_DOUBLE_EQ(report.topics[2].effective_repeats(), 2.5);
  EXPECT_DOUBLE_EQ(report.topics[2].repeats(), 2);
  ASSERT_GE(report.repeated.size(), 3u);
  EXPECT_EQ(report.repeated[0].count, 30);
  EXPECT_EQ(report.repeated[0].text, "Always this.");
  EXPECT_EQ(report.repeated[0].first_line, 1);
  EXPECT_EQ(report.repeated[2].count, 3);
  EXPECT_THAT(report.warnings,
              ElementsAre(HasSubstr("no held-out side"), HasSubstr("in 1 of 3 topics")));
}

TEST(LintTest, LabelsMayRepeat) {
  std::vector<Example> train, held_out;
  for (int64_t i = 0; i < 100; ++i) {
    const std::string label = i % 2 == 0 ? "even" : "odd";
    (i < 80 ? train : held_out).push_back(Chat(Sentence(i), label, i + 1, label));
  }
  const LintReport report = LintData(train, held_out);
  EXPECT_TRUE(report.labelled);
  EXPECT_TRUE(report.passed());
  int64_t bytes = 0;
  for (int64_t i = 80; i < 100; ++i) bytes += static_cast<int64_t>(Sentence(i).size());
  EXPECT_EQ(report.held_out.bytes, bytes) << "of the texts, without their labels";
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(report.leaks, IsEmpty());
  held_out.push_back(train[5]);
  EXPECT_FALSE(LintData(train, held_out).passed());
}

TEST(LintTest, SeesBrokenExamples) {
  std::vector<Example> train = Chats(0, 10);
  train.push_back(Chat("Hello?", " \n", 11));
  Conversation unanswered;
  unanswered.messages = {{Role::kUser, "Is anybody there?"}};
  train.push_back(RenderConversation(unanswered));
  train.push_back(
      ExampleFromText("<|im_start|>user\nthe word <|im_start|> "
                      "itself<|im_end|>\n<|im_start|>assistant\nyes<|im_end|>"));
  train.push_back(Chat("Long?", std::string(600, 'x'), 14));
  const LintReport report = LintData(train, Chats(20, 25));
  EXPECT_EQ(report.train.empty_outputs, 1);
  EXPECT_EQ(report.train.without_output, 1);
  EXPECT_EQ(report.train.markup_inside, 1);
  EXPECT_EQ(report.train.long_examples, 1);
  EXPECT_EQ(report.train.bytes_max, 605) << "of text, without markup";
  EXPECT_TRUE(report.passed());
  EXPECT_THAT(report.warnings,
              ElementsAre("1 answers are empty", "1 conversations have no answer",
                          "1 messages hold chat markup as text", HasSubstr("topics")));
}

TEST(LintTest, MissesNoTopicOfOneSideOnly) {
  std::vector<Example> train = Chats(0, 10), held_out = Chats(20, 25);
  train.push_back(Chat("a", Sentence(50), 11, "only trained"));
  held_out.push_back(Chat("b", Sentence(51), 6, "only held out"));
  const LintReport report = LintData(train, held_out);
  EXPECT_THAT(report.warnings, ElementsAre("1 of 3 topics are held out but not trained on",
                                           "1 of 3 topics have nothing held out"));
}

TEST(LintTest, CountsWordSequences) {
  std::vector<Example> train = Chats(0, 10), held_out = Chats(20, 22);
  train.push_back(Chat("x", "one two three four five six seven eight nine ten", 11));
  held_out.push_back(Chat("y", "Zero. One, two, three, four, five, six, seven, eight!", 3));
  const LintReport report = LintData(train, held_out);
  EXPECT_EQ(report.ngrams.in_train, 1);
  EXPECT_EQ(report.with_ngram.items, 3);
  EXPECT_EQ(report.with_ngram.in_train, 1);
  EXPECT_EQ(report.mostly_ngrams.in_train, 0);
}

TEST(LintTest, ComparesDocumentsByLinesAndWordSequences) {
  const auto document = [](int64_t from, int64_t to, int64_t line) {
    Example example;
    for (int64_t i = from; i < to; ++i) StrAppend(example.text, Sentence(i), "\n\nShort.\n");
    example.line = line;
    return std::vector<Example>{example};
  };
  const LintReport clean = LintData(document(0, 100, 1), document(100, 120, 301));
  EXPECT_TRUE(clean.document);
  EXPECT_TRUE(clean.passed());
  EXPECT_EQ(clean.lines.items, 20);
  EXPECT_EQ(clean.lines.in_train, 0);

  const LintReport leaking = LintData(document(0, 100, 1), document(90, 110, 271));
  EXPECT_THAT(leaking.failures, ElementsAre(HasSubstr("8-grams of words occur in training")));
  EXPECT_EQ(leaking.lines.in_train, 10);
  ASSERT_FALSE(leaking.leaks.empty());
  EXPECT_EQ(leaking.leaks[0].kind, LeakKind::kLine);
  EXPECT_EQ(leaking.leaks[0].held_out_line, 271);
  EXPECT_EQ(leaking.leaks[0].train_line, 271);
}

TEST(LintTest, StaysExactWhenItSamples) {
  std::vector<Example> train = Chats(0, 100), held_out = Chats(0, 100);
  LintOptions few;
  few.max_indexed = 10;
  few.max_ngrams = 50;
  few.shown = 2;
  const LintReport report = LintData(train, held_out, few);
  EXPECT_EQ(report.exact.in_train, 100);  // never sampled
  EXPECT_EQ(report.near.items, 10);
  EXPECT_LT(report.ngrams.items, 400);
  EXPECT_EQ(report.ngrams.in_train, report.ngrams.items);
  EXPECT_EQ(report.leaks.size(), 2u);
}

// The published data of GuppyLM: what its reader was told about it can be measured.
TEST(LintTest, FindsGuppysLeak) {
  const char* folder = std::getenv("SHOAL_DATA_DIR");
  if (folder == nullptr) {
    GTEST_SKIP() << "set SHOAL_DATA_DIR to a folder that holds guppy/{train,eval}.jsonl, which are "
                    "not shipped";
  }
  const std::string train = JoinPath(folder, "guppy/train.jsonl");
  const std::string held_out = JoinPath(folder, "guppy/eval.jsonl");
  ASSERT_OK_AND_ASSIGN(const SplitSource source,
                       ReadTrainingText({train, train}, {held_out, held_out}, 0));
  const LintReport report = LintData(source.train.examples, source.held_out.examples);
  EXPECT_EQ(report.exact.items, 3000);
  EXPECT_NEAR(report.exact.share(), 0.772, 0.0005);
  EXPECT_NEAR(report.output.share(), 0.842, 0.0005);
  EXPECT_EQ(report.input.share(), 1);
  EXPECT_EQ(report.unique_outputs, 11'661);
  EXPECT_EQ(report.unique_inputs, 715);
  EXPECT_EQ(report.topics.size(), 60u);
  EXPECT_THAT(report.failures, Contains(HasSubstr("77.2 % of the held-out examples are exact")));
  EXPECT_THAT(report.warnings, Contains(HasSubstr("in 45 of 60 topics")));
}

}  // namespace
}  // namespace shoal::data
