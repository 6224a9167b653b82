#include "core/data/text_source.h"

#include <set>

#include "core/data/tokenizer/bpe_trainer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

constexpr char kChat[] =
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nahoy there<|im_end|>";

// The text of the response tokens of an example.
std::string ResponseText(const Example& example) {
  const Tokenizer tokenizer = *BpeTrainer().Train();
  Encoder encoder(tokenizer);
  std::vector<int32_t> tokens, kept;
  std::vector<uint8_t> response;
  EncodeExample(example, encoder, tokens, response);
  EXPECT_EQ(tokens.size(), response.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (response[i] != 0) kept.push_back(tokens[i]);
  }
  return tokenizer.Decode(kept);
}

TEST(ConversationTest, RendersTheChatFormat) {
  const Conversation conversation{
      .messages = {{Role::kUser, "hi"}, {Role::kAssistant, "ahoy there"}}, .topic = "greeting"};
  const Example example = RenderConversation(conversation);
  EXPECT_EQ(example.text, kChat);
  EXPECT_TRUE(example.chat);
  EXPECT_EQ(ResponseText(example), "ahoy there<|im_end|>");
  EXPECT_EQ(RenderPrompt({.messages = {{Role::kUser, "hi"}}, .topic = ""}).text,
            "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(ToJsonLine(conversation),
            R"({"messages":[{"role":"user","content":"hi"},)"
            R"({"role":"assistant","content":"ahoy there"}],"topic":"greeting"})");
}

TEST(ConversationTest, MarkupInsideContentStaysText) {
  const Example example =
      RenderConversation({.messages = {{Role::kUser, "x<|im_end|>\n<|im_start|>assistant\n"},
                                       {Role::kAssistant, "no"}},
                          .topic = ""});
  const Tokenizer tokenizer = *BpeTrainer().Train();
  Encoder encoder(tokenizer);
  std::vector<int32_t> tokens;
  std::vector<uint8_t> response;
  EncodeExample(example, encoder, tokens, response);
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 1), 2);
  EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 2), 2);
  EXPECT_EQ(tokenizer.Decode(tokens), example.text);
  EXPECT_EQ(ResponseText(example), "no<|im_end|>");
}

TEST(ConversationTest, TextWithMarkupHasTheSameTokensAndResponses) {
  const Example text = ExampleFromText(kChat);
  EXPECT_EQ(text.text, kChat);
  EXPECT_TRUE(text.chat);
  EXPECT_EQ(ResponseText(text), "ahoy there<|im_end|>");
  EXPECT_EQ(ResponseText(ExampleFromText("<|im_start|>assistant\ncut sho")), "cut sho");
  EXPECT_EQ(ResponseText(ExampleFromText("no markup")), "");
  EXPECT_FALSE(ExampleFromText("no markup").chat);
  EXPECT_EQ(ResponseText(ExampleFromText(StrCat(kChat, "\n", kChat, "\n"))),
            "ahoy there<|im_end|>ahoy there<|im_end|>");
}

TEST(JsonlTest, ReadsTheThreeShapes) {
  const std::string text =
      R"({"text": "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nahoy there<|im_end|>", "category": "g"})"
      "\n\n"
      R"({"prompt": "hi", "response": "ahoy there", "topic": "greeting"})"
      "\r\n"
      R"({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ahoy there"}]})"
      "\n"
      R"({"text": "plain \u00e9"})";
  ASSERT_OK_AND_ASSIGN(const Source source, ParseJsonl(text, "x.jsonl"));
  ASSERT_EQ(source.examples.size(), 4u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(source.examples[size_t(i)].text, kChat) << i;
  EXPECT_EQ(source.examples[0].topic, "g");
  EXPECT_EQ(source.examples[1].topic, "greeting");
  EXPECT_EQ(source.examples[3].text, "plain é");
  EXPECT_EQ(source.report.lines, 5);
  EXPECT_EQ(source.report.blank_lines, 1);
  EXPECT_EQ(source.report.examples_without_response, 1);
  EXPECT_EQ(source.report.malformed_lines, 0);
}

TEST(JsonlTest, ListsEveryMalformedLine) {
  const std::string text =
      "{\"text\": \"good\"}\n"
      "{\"text\": 3}\n"
      "nonsense\n"
      "[1]\n"
      "{\"prompt\": \"x\"}\n"
      "{\"messages\": []}\n"
      "{\"messages\": [{\"role\": \"robot\", \"content\": \"x\"}]}\n"
      "{\"messages\": [{\"role\": \"user\"}]}\n"
      "{\"title\": \"x\"}\n"
      "{\"text\": \"\xFF\"}\n"
      "{\"text\": \"\"}\n";
  ASSERT_OK_AND_ASSIGN(const Source source, ParseJsonl(text, "x.jsonl"));
  EXPECT_EQ(source.examples.size(), 1u);
  EXPECT_EQ(source.report.malformed_lines, 10);
  const std::string problems = FormatProblems(source.report);
  EXPECT_THAT(problems, HasSubstr("x.jsonl:2: \"text\" is not a string"));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:3: not JSON"));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:4: is not a JSON object"));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:5: \"response\" is missing"));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:6: \"messages\" is empty"));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:7: messages[0]: role is \"robot\""));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:8: messages[0] has no \"content\""));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:9: has none of"));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:10: not JSON"));
  EXPECT_THAT(problems, HasSubstr("x.jsonl:11: \"text\" is empty"));

  ReadOptions few;
  few.max_problems = 2;
  few.max_line_bytes = 20;
  ASSERT_OK_AND_ASSIGN(const Source limited, ParseJsonl(text, "x.jsonl", few));
  EXPECT_THAT(FormatProblems(limited.report), HasSubstr("and 8 more malformed lines"));
}

TEST(JsonlTest, NothingUsableIsAnError) {
  EXPECT_THAT(ParseJsonl("\n\n", "x.jsonl"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("x.jsonl is empty")));
  EXPECT_THAT(
      ParseJsonl("x\ny\n", "x.jsonl"),
      StatusIs(StatusCode::kInvalidArgument, AllOf(HasSubstr("x.jsonl:1: not JSON"),
                                                   HasSubstr("none of its 2 lines is usable"))));
  EXPECT_THAT(ReadJsonl("/nonexistent/x.jsonl"), StatusIs(StatusCode::kNotFound));
}

TEST(SplitTest, EqualAnswersStayTogether) {
  std::string lines;
  for (int i = 0; i < 400; ++i) {
    lines += ToJsonLine({.messages = {{Role::kUser, StrCat("question ", i)},
                                      {Role::kAssistant, StrCat("answer ", i % 150)}},
                         .topic = ""}) +
             "\n";
  }
  ASSERT_OK_AND_ASSIGN(const Source source, ParseJsonl(lines, "x.jsonl"));
  const SplitSource split = SplitByContent(source, 0.1, 7);
  EXPECT_EQ(split.train.examples.size() + split.held_out.examples.size(), 400u);
  EXPECT_NEAR(static_cast<double>(split.held_out.examples.size()), 40, 3);
  std::set<std::string> train;
  for (const Example& example : split.train.examples) train.insert(ResponseText(example));
  for (const Example& example : split.held_out.examples) {
    EXPECT_FALSE(train.contains(ResponseText(example)));
  }
  const SplitSource again = SplitByContent(source, 0.1, 7);
  EXPECT_EQ(again.held_out.examples.size(), split.held_out.examples.size());
  EXPECT_EQ(again.held_out.examples[0].text, split.held_out.examples[0].text);
  EXPECT_EQ(SplitByContent(source, 0, 7).held_out.examples.size(), 0u);
}

// A label is not an answer: classes are on both sides, copies of a text on one.
TEST(SplitTest, LabelledTextsAreSplitByTheirText) {
  std::string lines;
  for (int i = 0; i < 400; ++i) {
    lines += StrCat(R"({"text": "text )", i % 300, R"(", "label": ")",
                    i % 300 % 2 == 0 ? "even" : "odd", "\"}\n");
  }
  ASSERT_OK_AND_ASSIGN(const Source source, ParseJsonl(lines, "x.jsonl"));
  EXPECT_TRUE(IsLabelled(source.examples[0]));
  EXPECT_EQ(LabelledText(source.examples[3]), "text 3");
  const SplitSource split = SplitByContent(source, 0.1, 7);
  EXPECT_NEAR(static_cast<double>(split.held_out.examples.size()), 40, 3);
  std::set<std::string> train, labels;
  for (const Example& example : split.train.examples) train.insert(LabelledText(example));
  for (const Example& example : split.held_out.examples) {
    EXPECT_FALSE(train.contains(LabelledText(example)));
    labels.insert(example.topic);
  }
  EXPECT_EQ(labels.size(), 2u);
}

TEST(EncodeWholeTest, WordsAloneWhateverTheyLookLike) {
  ASSERT_OK_AND_ASSIGN(
      const Source source,
      ParseJsonl("{\"text\": \"<|im_end|> x\", \"label\": \"pos\"}\n"
                 "{\"text\": \"hello <|im_start|>weird\\nword\"}\n"
                 "{\"prompt\": \"why\", \"response\": \"so\"}\n"
                 "{\"text\": "
                 "\"<|im_start|>user\\nhi<|im_end|>\\n<|im_start|>assistant\\nyo<|im_end|>\"}\n",
                 "x.jsonl"));
  BpeTrainer trainer({.vocab_size = 259});
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train());
  Encoder encoder(tokenizer);
  const auto words = [&](int example, bool answers) {
    std::vector<int32_t> tokens;
    EncodeWhole(source.examples[static_cast<size_t>(example)], answers, tokenizer, encoder, tokens);
    return tokenizer.Decode(tokens);
  };
  EXPECT_EQ(words(0, true), "<|im_end|> x") << "without its label";
  EXPECT_EQ(words(1, true), "hello <|im_start|>weird\nword");
  EXPECT_EQ(words(2, true), "why\nso");
  EXPECT_EQ(words(2, false), "why");
  EXPECT_EQ(words(3, true), "hi\nyo");
}

class PlainTextTest : public TempDirTest {};

TEST_F(PlainTextTest, SplitsAtACharacter) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "é";
  ASSERT_OK(files_.WriteFileAtomic(Path("x.txt"), text));
  ReadOptions options;
  options.held_out_fraction = 0.11;  // 11 bytes: inside a character
  ASSERT_OK_AND_ASSIGN(const SplitSource split, ReadPlainText(Path("x.txt"), options));
  ASSERT_EQ(split.train.examples.size(), 1u);
  ASSERT_EQ(split.held_out.examples.size(), 1u);
  EXPECT_EQ(split.train.examples[0].text.size(), 90u);
  EXPECT_EQ(split.train.examples[0].text + split.held_out.examples[0].text, text);
  EXPECT_EQ(split.train.report.invalid_utf8_bytes, 0);
}

TEST_F(PlainTextTest, KeepsAndCountsBrokenUtf8) {
  ASSERT_OK(files_.WriteFileAtomic(Path("x.txt"), "one\xFFtwo\nthree four five\n"));
  ASSERT_OK_AND_ASSIGN(const SplitSource split, ReadPlainText(Path("x.txt")));
  EXPECT_EQ(split.train.report.invalid_utf8_bytes, 1);
  EXPECT_THAT(split.train.examples[0].text, HasSubstr("one\xFFtwo"));
  ASSERT_OK(files_.WriteFileAtomic(Path("empty.txt"), ""));
  EXPECT_THAT(ReadPlainText(Path("empty.txt")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("empty")));
  EXPECT_THAT(ReadPlainText(Path("none.txt")), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace shoal::data
