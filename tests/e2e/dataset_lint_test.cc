// `shoal dataset lint` as a person runs it: before training, on files, and on a data set of the
// lab.

#include "core/base/file.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;

std::string Chat(std::string_view question, std::string_view answer) {
  return StrCat("{\"prompt\":\"", question, "\",\"response\":\"", answer, "\"}\n");
}

double InTrain(const Struct& reply, const std::string& kind) {
  return reply.fields()
      .at("overlap")
      .struct_value()
      .fields()
      .at(kind)
      .struct_value()
      .fields()
      .at("in_train")
      .number_value();
}

class DatasetLint : public testing::Test {
 protected:
  DatasetLint() : sources_(*TempDir::Make("", "shoal-sources-")) {
    std::string train;
    for (int i = 0; i < 30; ++i) {
      StrAppend(train,
                Chat(StrCat("What is behind door ", i, "?"),
                     StrCat(std::string(1 + i, static_cast<char>('a' + i % 26)), " and the lamp")));
    }
    Write("train.jsonl", train);
    Write("eval.jsonl", StrCat(Chat("What is behind door 3?", "dddd and the lamp"),
                               Chat("Who keeps the light?", "An otter of good character.")));
  }

  std::string Write(const std::string& name, std::string_view text) {
    const std::string path = sources_.File(name);
    EXPECT_OK(files_.WriteFileAtomic(path, text));
    return path;
  }

  LabDriver lab_;
  const TempDir sources_;
  RealFileSystem files_;
};

TEST_F(DatasetLint, AFolderThatLeaksFailsWithCode3AndNeedsNoLab) {
  const CapturedRun run = lab_.Shoal({"dataset", "lint", sources_.path()});
  EXPECT_EQ(run.exit.code, 3);
  EXPECT_THAT(run.out, AllOf(HasSubstr("FAIL: 50.0 % of the held-out examples are exact copies"),
                             HasSubstr("eval.jsonl:1 = train.jsonl:4")));
  const Struct reply = lab_.Json({"dataset", "lint", sources_.path()}, 3);
  EXPECT_EQ(reply.fields().at("verdict").string_value(), "fail");
  EXPECT_EQ(InTrain(reply, "exact"), 1);
  EXPECT_EQ(lab_.Shoal({"dataset", "lint", sources_.path(), "--max-exact", "50"}).exit.code, 0);
  EXPECT_EQ(lab_.UpPid(), 0);
}

TEST_F(DatasetLint, ADataSetOfTheLabIsNamed) {
  ASSERT_EQ(lab_.Shoal({"dataset", "import", sources_.path(), "--name", "doors"}).exit.code, 0);
  const Struct reply = lab_.Json({"dataset", "lint", "doors"}, 3);
  EXPECT_EQ(reply.fields().at("source").string_value(), "doors");
  EXPECT_EQ(InTrain(reply, "exact"), 1);
  const CapturedRun unknown = lab_.Shoal({"dataset", "lint", "windows"});
  EXPECT_EQ(unknown.exit.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("windows"));
}

TEST_F(DatasetLint, PebblePasses) {
  const Struct reply = lab_.Json({"dataset", "lint", SourcePath("personas/pebble.yaml"),
                                  "--conversations", "8000", "--max-near", "0"});
  EXPECT_EQ(reply.fields().at("verdict").string_value(), "pass");
  EXPECT_EQ(InTrain(reply, "exact") + InTrain(reply, "near") + InTrain(reply, "output"), 0);
  EXPECT_GE(reply.fields().at("topics").list_value().values_size(), 60);
}

TEST_F(DatasetLint, MistakesAreUsageErrors) {
  EXPECT_EQ(lab_.Shoal({"dataset", "lint"}).exit.code, 2);
  EXPECT_EQ(lab_.Shoal({"dataset", "lint", "/nonexistent/data.jsonl"}).exit.code, 2);
  EXPECT_EQ(lab_.Shoal({"dataset", "lint", sources_.path(), "--similarity", "2"}).exit.code, 2);
  EXPECT_EQ(lab_.Shoal({"dataset", "lint", Write("empty.jsonl", "")}).exit.code, 2);
}

}  // namespace
}  // namespace shoal::e2e
