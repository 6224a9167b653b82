// Models that do more than continue a text, through the whole lab: masked words, labels, and a
// student that learns from a teacher.

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;

// Labelled texts: a colour or a number somewhere among other words.
std::string Texts(int first, int count) {
  static constexpr const char* kColours[] = {"red", "blue", "green"};
  static constexpr const char* kNumbers[] = {"one", "two", "seven"};
  std::string lines;
  for (int i = first; i < first + count; ++i) {
    const bool colour = i % 2 == 0;
    StrAppend(lines, R"({"text": "the fish )", i * 7 % 97, " said ",
              colour ? kColours[i / 2 % 3] : kNumbers[i / 2 % 3], R"( again", "label": ")",
              colour ? "colour" : "number", "\"}\n");
  }
  return lines;
}

class Families : public testing::Test {
 protected:
  void SetUp() override {
    RealFileSystem files;
    ASSERT_OK(files.WriteFileAtomic(dir_.File("train.jsonl"), Texts(0, 300)));
    ASSERT_OK(files.WriteFileAtomic(dir_.File("eval.jsonl"), Texts(1000, 40)));
    ASSERT_OK(files.WriteFileAtomic(dir_.File("base.yaml"),
                                    StrCat("data: {train: ", dir_.File("train.jsonl"),
                                           ", held_out: ", dir_.File("eval.jsonl"), "}\n",
                                           "tokenizer: {vocab_size: 320}\n"
                                           "model: {kind: encoder, head: classifier, n_layers: 1, "
                                           "d_model: 32, n_heads: 2, max_seq: 32}\n"
                                           "train: {steps: 400, batch: {size: 16}, optimizer: {lr: "
                                           "3e-3}, schedule: {warmup_steps: 10}}\n"
                                           "evaluate: {every: 50}\n")));
  }
  CapturedRun Launch(const std::string& name, const std::vector<std::string>& sets) {
    std::vector<std::string> launch = {"launch", dir_.File("base.yaml")};
    for (const std::string& set : Sets({StrCat("name=", name)})) launch.push_back(set);
    for (const std::string& set : Sets(sets)) launch.push_back(set);
    launch.push_back("--follow");
    return lab_.Shoal(launch);
  }
  // The least or largest value of a series of the run.
  double Best(const std::string& run, const std::string& series, bool least) {
    const Struct reply = lab_.Json({"show", run});
    const auto& run_fields = reply.fields().at("run").struct_value().fields();
    const auto& metrics = run_fields.at("metrics").struct_value().fields();
    const auto found = metrics.find(series);
    if (found != metrics.end()) {
      return found->second.struct_value().fields().at(least ? "min" : "max").number_value();
    }
    ADD_FAILURE() << run << " has no " << series;
    return 0;
  }

  const TempDir dir_ = *TempDir::Make("", "shoal-families-");
  LabDriver lab_;
};

TEST_F(Families, AClassifierIsTrainedAndTeachesASmallerOne) {
  const CapturedRun teacher = Launch("teacher", {});
  ASSERT_EQ(teacher.exit.code, 0) << teacher.err;
  EXPECT_THAT(teacher.out, AllOf(HasSubstr("ACCURACY"), HasSubstr("SUCCEEDED")));
  EXPECT_GT(Best("teacher", "held_out/accuracy", false), 0.9);

  const CapturedRun student =
      Launch("student", {"model.d_model=16", "train.distill.teachers=[teacher]",
                         "train.distill.weight=1", "train.distill.temperature=2"});
  ASSERT_EQ(student.exit.code, 0) << student.err;
  EXPECT_GT(Best("student", "held_out/accuracy", false), 0.8);  // told nothing by the labels

  ASSERT_EQ(Launch("second", {"seed=7"}).exit.code, 0);
  const CapturedRun two = Launch("two", {"train.distill.teachers=[teacher,second]",
                                         "train.distill.weight=1", "train.distill.combine=logits"});
  ASSERT_EQ(two.exit.code, 0) << two.err;
  EXPECT_GT(Best("two", "held_out/accuracy", false), 0.8);

  const CapturedRun decoder =
      Launch("x", {"train.distill.teachers=[teacher]", "model.kind=decoder", "model.pooler=cls"});
  EXPECT_EQ(decoder.exit.code, 2);
  EXPECT_THAT(decoder.err, HasSubstr("kind encoder"));
  const CapturedRun nobody = Launch("x", {"train.distill.teachers=[nobody]"});
  EXPECT_NE(nobody.exit.code, 0);
  EXPECT_THAT(nobody.err, HasSubstr("nobody"));
  const CapturedRun other = Launch("x", {"train.distill.teachers=[teacher]", "model.head=mlm"});
  EXPECT_EQ(other.exit.code, 2);
  EXPECT_THAT(other.err, HasSubstr("head classifier"));
  const CapturedRun longer = Launch("x", {"train.distill.teachers=[teacher]", "model.max_seq=64"});
  EXPECT_EQ(longer.exit.code, 2);
  EXPECT_THAT(longer.err, HasSubstr("model.max_seq"));

  const CapturedRun chat = lab_.Shoal({"generate", "teacher", "--prompt", "hello"});
  EXPECT_NE(chat.exit.code, 0);
  EXPECT_THAT(chat.err, HasSubstr("does not generate text"));
}

TEST_F(Families, MaskedWordsAreGuessedAndNeedAMask) {
  const CapturedRun masked = Launch("masked", {"model.head=mlm", "train.optimizer.kind=muon",
                                               "train.ema_decay=0.9", "model.norm_placement=post"});
  ASSERT_EQ(masked.exit.code, 0) << masked.err;
  EXPECT_LT(Best("masked", "held_out/loss", true), 4);  // ln 320 = 5.8
  // A step without a masked token has no loss, and no point of the curve.
  const CapturedRun rare =
      Launch("rare", {"model.head=mlm", "train.mask_probability=1e-6", "train.batch.size=1",
                      "train.steps=5", "train.log_every=1", "train.schedule.warmup_steps=0"});
  ASSERT_EQ(rare.exit.code, 0) << rare.err;
  const Struct reply = lab_.Json({"show", "rare"});
  const auto& run = reply.fields().at("run").struct_value().fields();
  EXPECT_FALSE(run.at("metrics").struct_value().fields().contains("train/loss"));
  EXPECT_TRUE(run.at("metrics").struct_value().fields().contains("train/lr"));

  const CapturedRun unmaskable = Launch("x", {"model.head=mlm", "tokenizer.kind=char"});
  EXPECT_EQ(unmaskable.exit.code, 2);
  EXPECT_THAT(unmaskable.err, HasSubstr("[MASK]"));
}

// Without a held-out file of its own: part of every class is held out.
TEST_F(Families, LabelledTextsAreSplitByText) {
  const CapturedRun run = Launch("split", {"data.held_out=", "data.held_out_fraction=0.2",
                                           "train.steps=20", "evaluate.every=20"});
  ASSERT_EQ(run.exit.code, 0) << run.err;
  EXPECT_GT(Best("split", "held_out/accuracy", false), 0.2);
}

TEST_F(Families, AClassifierNeedsLabels) {
  RealFileSystem files;
  ASSERT_OK(
      files.WriteFileAtomic(dir_.File("plain.jsonl"),
                            "{\"text\": \"nothing is named here\"}\n{\"text\": \"nor here\"}\n"));
  const CapturedRun run = Launch("x", {StrCat("data.train=", dir_.File("plain.jsonl"))});
  EXPECT_EQ(run.exit.code, 2);
  EXPECT_THAT(run.err, HasSubstr("label"));
}

}  // namespace
}  // namespace shoal::e2e
