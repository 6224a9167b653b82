// The recipe `guppy` as its comments tell it: texts with chat markup, a tokenizer from elsewhere,
// an embedding with more rows than the tokenizer uses. Small, so that it is done in seconds.

#include <cmath>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::HasSubstr;

constexpr int kRows = 256, kWidth = 48;

std::string Texts(int first, int count) {
  std::string lines;
  for (int i = first; i < first + count; ++i) {
    StrAppend(lines, R"({"text": "<|im_start|>user\nwhat do you see at )", i,
              R"(<|im_end|>\n<|im_start|>assistant\nbubble )", i * i, R"( and a leaf<|im_end|>"})",
              "\n");
  }
  return lines;
}

class Guppy : public testing::Test {
 protected:
  void SetUp() override {
    RealFileSystem files;
    ASSERT_OK(files.WriteFileAtomic(dir_.File("train.jsonl"), Texts(0, 200)));
    ASSERT_OK(files.WriteFileAtomic(dir_.File("eval.jsonl"), Texts(1000, 20)));
  }
  std::vector<std::string> Launch(int rows) {
    std::vector<std::string> launch = {"launch", "guppy"};
    for (const std::string& set :
         Sets({StrCat("data.train=", dir_.File("train.jsonl")),
               StrCat("data.held_out=", dir_.File("eval.jsonl")),
               StrCat("tokenizer.path=", SourcePath("tests/golden/data/foreign_tokenizer.json")),
               StrCat("model.vocab_size=", rows), StrCat("model.d_model=", kWidth),
               "model.n_layers=2", "model.n_heads=2", "model.d_ff=96", "train.steps=20",
               "train.log_every=5", "train.optimizer.lr=3e-3", "train.schedule.warmup_steps=2",
               "evaluate.every=10", "resources.threads=1", "samples.max_tokens=8"})) {
      launch.push_back(set);
    }
    return launch;
  }
  double Number(const Struct& reply, const std::string& name) {
    return reply.fields().at(name).number_value();
  }

  const TempDir dir_ = *TempDir::Make("", "shoal-guppy-");
  LabDriver lab_;
};

TEST_F(Guppy, TrainsOnItsOwnFilesWithARowForEachPossibleToken) {
  std::vector<std::string> launch = Launch(0);
  launch.push_back("--dry-run");
  const Struct exact = lab_.Json(launch);
  const double tokens = Number(exact, "tokenizer_size");
  ASSERT_GT(tokens, 0);
  ASSERT_LT(tokens, kRows);

  launch = Launch(kRows);
  launch.push_back("--follow");
  const auto run = Member<v1::Run>(lab_.Json(launch), "run");
  EXPECT_EQ(run.status(), v1::RUN_STATUS_SUCCEEDED) << run.status_reason();
  EXPECT_EQ(run.step(), 20);
  // The head is tied: a row more is a row of the embedding, and nothing else.
  EXPECT_EQ(static_cast<double>(run.parameters()),
            Number(exact, "parameters") + (kRows - tokens) * kWidth);
  const std::vector<v1::MetricPoint> loss = lab_.Curve(run.name(), "train/loss");
  ASSERT_EQ(loss.size(), 4u);
  EXPECT_NEAR(loss.front().value(), std::log(kRows), 1.5);
  EXPECT_LT(loss.back().value(), loss.front().value());

  // The markup made it a model of conversations.
  const CapturedRun answer = lab_.Shoal({"chat", run.name()}, "what do you see at 7\n");
  EXPECT_EQ(answer.exit.code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("guppy"));
}

TEST_F(Guppy, TooFewRowsForTheTokenizerAreRefused) {
  const CapturedRun few = lab_.Shoal(Launch(100));
  EXPECT_EQ(few.exit.code, 2);
  EXPECT_THAT(few.err, HasSubstr("model.vocab_size"));
  EXPECT_EQ(lab_.UpPid(), 0);
}

}  // namespace
}  // namespace shoal::e2e
