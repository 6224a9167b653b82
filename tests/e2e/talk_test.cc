// Talking to a trained model.

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "shoal/v1/inference.pb.h"
#include "tests/e2e/trained_lab.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class TalkTest : public TrainedLab {
 protected:
  struct Answer {
    std::string text;
    v1::GenerateDone done;
  };
  static Answer Ask(std::vector<std::string> options) {
    std::vector<std::string> arguments = {"generate", run().run_id(), "--prompt", "Hello Pebble!"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Struct reply = lab().Json(std::move(arguments));
    const auto answers = reply.fields().find("answers");
    if (answers == reply.fields().end() || answers->second.list_value().values_size() != 1) {
      ADD_FAILURE() << "expected one answer: " << reply.ShortDebugString();
      return {};
    }
    const Struct& one = answers->second.list_value().values(0).struct_value();
    return {one.fields().at("text").string_value(), Member<v1::GenerateDone>(one, "done")};
  }
};

TEST_F(TalkTest, TheSameSeedGivesTheSameAnswer) {
  const Answer first = Ask({"--seed", "5", "--max-tokens", "24"});
  const Answer second = Ask({"--seed", "5", "--max-tokens", "24"});
  EXPECT_FALSE(first.text.empty());
  EXPECT_EQ(first.text, second.text);
  EXPECT_EQ(first.done.checkpoint_step(), 40);
  EXPECT_GT(first.done.prompt_tokens(), 0);
  EXPECT_GT(first.done.generated_tokens(), 0);
  EXPECT_LE(first.done.generated_tokens(), 24);
  EXPECT_NE(Ask({"--seed", "6", "--max-tokens", "24", "--temperature", "1"}).text,
            Ask({"--seed", "7", "--max-tokens", "24", "--temperature", "1"}).text);
}

TEST_F(TalkTest, TheRunStaysWhereItsTrainingEnded) {
  ASSERT_FALSE(Ask({"--max-tokens", "2"}).text.empty());
  const auto shown = Member<v1::Run>(lab().Json({"show", run().run_id()}), "run");
  EXPECT_EQ(shown.step(), 40);
  EXPECT_EQ(shown.status(), v1::RUN_STATUS_SUCCEEDED);
}

TEST_F(TalkTest, GreedyAnswersDoNotDependOnTheSeed) {
  EXPECT_EQ(Ask({"--seed", "1", "--temperature", "0"}).text,
            Ask({"--seed", "2", "--temperature", "0"}).text);
}

TEST_F(TalkTest, MaxTokensAndStopEndAnAnswer) {
  const Answer three = Ask({"--max-tokens", "3", "--temperature", "0"});
  EXPECT_LE(three.done.generated_tokens(), 3);
  const Answer whole = Ask({"--temperature", "0", "--max-tokens", "24"});
  ASSERT_GE(whole.text.size(), 3u);
  const std::string stop = whole.text.substr(1, 1);
  if (static_cast<unsigned char>(stop[0]) < 0x80) {
    const Answer cut = Ask({"--temperature", "0", "--max-tokens", "24", "--stop", stop});
    EXPECT_EQ(cut.text, whole.text.substr(0, whole.text.find(stop)));
    EXPECT_EQ(cut.done.finish_reason(), "stop");
  }
}

TEST_F(TalkTest, PromptsMayComeFromStdin) {
  const CapturedRun by_option =
      lab().Shoal({"generate", run().run_id(), "--prompt", "What do you eat?"});
  const CapturedRun by_stdin = lab().Shoal({"generate", run().run_id()}, "What do you eat?");
  EXPECT_EQ(by_option.exit.code, 0) << by_option.err;
  EXPECT_EQ(by_stdin.exit.code, 0) << by_stdin.err;
  EXPECT_GT(by_option.out.size(), 1u);
  EXPECT_EQ(by_option.out, by_stdin.out);
}

TEST_F(TalkTest, SeveralPromptsAreAnsweredInTheirOrder) {
  const Struct reply =
      lab().Json({"generate", run().run_id(), "-p", "One", "-p", "Two", "--max-tokens", "8"});
  const auto& answers = reply.fields().at("answers").list_value();
  ASSERT_EQ(answers.values_size(), 2);
  EXPECT_EQ(answers.values(0).struct_value().fields().at("prompt").string_value(), "One");
  EXPECT_EQ(answers.values(1).struct_value().fields().at("prompt").string_value(), "Two");
}

TEST_F(TalkTest, RawTextIsContinued) {
  const CapturedRun raw =
      lab().Shoal({"generate", run().run_id(), "--raw", "-p", "The sea", "--stats"});
  EXPECT_EQ(raw.exit.code, 0) << raw.err;
  EXPECT_THAT(raw.err, AllOf(HasSubstr("prompt tokens"), HasSubstr("weights of step 40")));
}

TEST_F(TalkTest, ChatAnswersEachLine) {
  const CapturedRun chat = lab().Shoal({"chat", run().run_id()},
                                       "Hello!\n\nWhat do you eat?\n/new\nHello!\n/quit\nnever\n");
  EXPECT_EQ(chat.exit.code, 0) << chat.err;
  std::vector<std::string> lines = absl::StrSplit(chat.out, '\n');
  EXPECT_THAT(lines[0], StartsWith("chatting with tiny"));
  int answers = 0;
  for (const std::string& line : lines) answers += line.starts_with("tiny> ") ? 1 : 0;
  EXPECT_EQ(answers, 3) << chat.out;
}

TEST_F(TalkTest, ChatAsJsonIsOneValueALine) {
  const CapturedRun chat =
      lab().Shoal({"chat", run().run_id(), "--json"}, "Hello!\nWhat do you eat?");
  EXPECT_EQ(chat.exit.code, 0) << chat.err;
  std::vector<std::string> lines = absl::StrSplit(chat.out, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2u) << chat.out;
  int64_t before = 0;
  for (const std::string& line : lines) {
    Struct value;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &value).ok()) << line;
    const auto done = Member<v1::GenerateDone>(value, "done");
    EXPECT_GT(done.prompt_tokens(), before);  // the second question stands after the first answer
    before = done.prompt_tokens();
  }
}

TEST_F(TalkTest, WhatCannotBeAnsweredSaysWhy) {
  EXPECT_EQ(lab().Shoal({"generate", "nobody", "-p", "Hi"}).exit.code, 2);
  EXPECT_EQ(lab().Shoal({"chat", "nobody"}, "Hi\n").exit.code, 2);
  EXPECT_EQ(lab().Shoal({"generate", run().run_id(), "-p", "Hi", "--temperature", "-1"}).exit.code,
            2);
  const CapturedRun broken = lab().Shoal({"generate", run().run_id(), "-p",
                                          "a\xff"
                                          "b"});
  EXPECT_EQ(broken.exit.code, 2) << broken.err;
  EXPECT_THAT(broken.err, HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace shoal::e2e
