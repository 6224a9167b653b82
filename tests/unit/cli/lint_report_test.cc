#include "cli/output/lint_report.h"

#include "cli/lab/lint_source.h"
#include "core/base/file.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::cli {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string Line(std::string_view question, std::string_view answer) {
  return StrCat("{\"messages\":[{\"role\":\"user\",\"content\":\"", question,
                "\"},{\"role\":\"assistant\",\"content\":\"", answer, "\"}],\"topic\":\"t\"}\n");
}

constexpr char kTrain[] =
    "{\"prompt\":\"hi\",\"response\":\"Ahoy, the fog is thick!\",\"topic\":\"hello\"}\n"
    "not json\n"
    "{\"prompt\":\"hey\",\"response\":\"Ahoy, the fog is thick!\",\"topic\":\"hello\"}\n"
    "{\"prompt\":\"why\",\"response\":\"Because {friend} said so.\",\"topic\":\"why\"}\n";

class LintReportTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *TempDir::Make();
    Write("train.jsonl", kTrain);
    Write("eval.jsonl", StrCat(Line("new", "Nothing of the kind was ever said."),
                               "{\"prompt\":\"hey\",\"response\":\"Ahoy, the fog is thick!\"}\n"));
  }

  std::string Path(std::string_view name) { return JoinPath(folder_->path(), name); }
  void Write(std::string_view name, const std::string& text) {
    ASSERT_OK(RealFileSystem().WriteFileAtomic(Path(name), text));
  }

  std::optional<TempDir> folder_;
};

TEST_F(LintReportTest, SaysWhatIsWrongAndWhere) {
  ASSERT_OK_AND_ASSIGN(const LintSource source, ReadLintSource(folder_->path(), "", {}));
  EXPECT_EQ(source.train_name, "train.jsonl");
  EXPECT_EQ(source.held_out_name, "eval.jsonl");
  ASSERT_EQ(source.notes.size(), 1u);
  EXPECT_THAT(source.notes[0], HasSubstr("train.jsonl:2: not JSON"));
  const data::LintReport report = data::LintData(source.train, source.held_out);
  const LintNames names{"my data", source.train_name, source.held_out_name};
  Terminal terminal;
  terminal.columns = 120;
  const std::string text = RenderLint(report, names, terminal, 10);
  EXPECT_THAT(text, AllOf(HasSubstr("my data"), HasSubstr("examples, exact copies"),
                          HasSubstr("50.0 %"), HasSubstr("eval.jsonl:2 = train.jsonl:3"),
                          HasSubstr("train.jsonl:4  {friend}"), HasSubstr("FAIL: 50.0 %"),
                          HasSubstr("FAIL: 1 examples hold"), Not(HasSubstr("PASS"))));
  EXPECT_THAT(text, HasSubstr("2x  Ahoy, the fog is thick!"));
  EXPECT_THAT(RenderLint(report, names, terminal, 1), HasSubstr("and 3 topics that repeat less"));
}

TEST_F(LintReportTest, JsonHoldsAllNumbers) {
  ASSERT_OK_AND_ASSIGN(const LintSource source,
                       ReadLintSource(Path("train.jsonl"), Path("eval.jsonl"), {}));
  const data::LintReport report = data::LintData(source.train, source.held_out);
  google::protobuf::Struct json;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  StrCat("{", LintJsonMembers(report, {"a \"b\"", "t", "h"}), "}"), &json)
                  .ok());
  const auto& fields = json.fields();
  EXPECT_EQ(fields.at("source").string_value(), "a \"b\"");
  EXPECT_EQ(fields.at("verdict").string_value(), "fail");
  EXPECT_EQ(fields.at("failures").list_value().values_size(), 2);
  const auto& exact =
      fields.at("overlap").struct_value().fields().at("exact").struct_value().fields();
  EXPECT_EQ(exact.at("in_train").number_value(), 1);
  EXPECT_EQ(exact.at("items").number_value(), 2);
  EXPECT_EQ(exact.at("share").number_value(), 0.5);
  EXPECT_EQ(fields.at("train").struct_value().fields().at("outputs").number_value(), 3);
  EXPECT_EQ(fields.at("leaks")
                .list_value()
                .values(0)
                .struct_value()
                .fields()
                .at("train_line")
                .number_value(),
            3);
  EXPECT_EQ(fields.at("topics").list_value().values_size(), 4);
}

TEST_F(LintReportTest, ACleanSetPasses) {
  Write("a.jsonl", Line("one", "The lamp is lit at dusk.") + Line("two", "Boats go by at noon."));
  Write("b.jsonl", Line("three", "My stone is grey."));
  ASSERT_OK_AND_ASSIGN(const LintSource source,
                       ReadLintSource(Path("a.jsonl"), Path("b.jsonl"), {}));
  const data::LintReport report = data::LintData(source.train, source.held_out);
  EXPECT_THAT(RenderLint(report, {"a", "a", "b"}, {}, 5),
              AllOf(HasSubstr("PASS: nothing held out leaks"), Not(HasSubstr("FAIL"))));
}

TEST_F(LintReportTest, FindsWhatToReadOrSaysWhyNot) {
  EXPECT_THAT(ReadLintSource(Path("nope"), "", {}).status(),
              StatusIs(StatusCode::kNotFound, HasSubstr("no such file or folder")));
  EXPECT_THAT(ReadLintSource(Path("train.jsonl"), Path("nope"), {}).status(),
              StatusIs(StatusCode::kNotFound, HasSubstr("no such file")));
  EXPECT_THAT(ReadLintSource(folder_->path(), Path("eval.jsonl"), {}).status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is a folder")));
  ASSERT_OK(RealFileSystem().MakeDirs(Path("empty"), 0700));
  EXPECT_THAT(ReadLintSource(Path("empty"), "", {}).status(),
              StatusIs(StatusCode::kInvalidArgument));
  Write("p.yaml", "format: 1\nname: P\ntopics: 3\n");
  EXPECT_THAT(ReadLintSource(Path("p.yaml"), "", {}).status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("p.yaml:3:9: topics")));
}

TEST_F(LintReportTest, OtherFormatsAreImported) {
  std::string table = "text,label\n";
  for (int i = 0; i < 40; ++i)
    StrAppend(table, "sentence number ", i, " of the table,", i % 2, "\n");
  Write("table.csv", table);
  LintSourceOptions options;
  options.held_out_fraction = 0.25;
  ASSERT_OK_AND_ASSIGN(const LintSource source, ReadLintSource(Path("table.csv"), "", options));
  EXPECT_EQ(source.train.size() + source.held_out.size(), 40u);
  EXPECT_GT(source.held_out.size(), 5u);
  EXPECT_FALSE(source.notes.empty());
}

TEST_F(LintReportTest, APersonaIsGenerated) {
  Write("p.yaml",
        "format: 1\nname: P\nblanks: {x: [red, green, blue, grey, pink, gold, brown, black]}\n"
        "topics: [{name: t, prompts: [hi], responses: [\"{x} {x} {x} and {x}\"]}]\n");
  LintSourceOptions options;
  options.conversations = 200;
  options.held_out_fraction = 0.1;
  ASSERT_OK_AND_ASSIGN(const LintSource source, ReadLintSource(Path("p.yaml"), "", options));
  EXPECT_EQ(source.held_out.size(), 20u);
  EXPECT_GT(source.train.size(), 50u);
  EXPECT_TRUE(data::LintData(source.train, source.held_out).passed());
}

}  // namespace
}  // namespace shoal::cli
