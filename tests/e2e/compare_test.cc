// A small sweep with seeds, compared, plotted, exported and reported.

#include <bit>
#include <cstdlib>
#include <map>
#include <set>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/support/status_matchers.h"
#include "tests/support/xml.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

// Two depths with three seeds each: trained once for all tests.
class ComparedSweep : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    lab_ = std::make_unique<LabDriver>();
    std::vector<std::string> arguments = {"sweep",  "tiny",       "--name",
                                          "depth",  "--vary",     "model.n_layers=1,2",
                                          "--vary", "seed=1,2,3", "--follow"};
    for (const std::string& setting : TinySettings()) arguments.push_back(setting);
    arguments.insert(arguments.end(), {"--set", "note=</td><script>alert(1)</script>"});
    const CapturedRun sweep = lab_->Shoal(arguments);
    ASSERT_EQ(sweep.exit.code, 0) << sweep.err;
  }
  static void TearDownTestSuite() { lab_.reset(); }
  static LabDriver& lab() { return *lab_; }

 private:
  static inline std::unique_ptr<LabDriver> lab_;
};

// Fields of a CSV line without quotes in it.
std::vector<std::string> Fields(std::string_view line) {
  std::vector<std::string> fields;
  for (const std::string_view field : StrSplit(line, ',')) fields.emplace_back(field);
  return fields;
}

std::vector<std::string_view> Lines(std::string_view text, std::string_view end) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t at = text.find(end);
    EXPECT_NE(at, std::string_view::npos) << "the last line has no end";
    lines.push_back(text.substr(0, at));
    text.remove_prefix(std::min(text.size(), at + end.size()));
  }
  return lines;
}

double NumberIn(const Struct& object, const char* name) {
  return object.fields().at(name).number_value();
}

TEST_F(ComparedSweep, AveragesPairsAndCounts) {
  const Struct reply = lab().Json({"compare", "depth"});
  EXPECT_EQ(reply.fields().at("metric").string_value(), "held_out/loss");
  EXPECT_EQ(reply.fields().at("baseline").string_value(), "model.n_layers=1");
  ASSERT_THAT(reply.fields().at("differing").list_value().values(), SizeIs(1));
  const auto& settings = reply.fields().at("settings").list_value().values();
  ASSERT_THAT(settings, SizeIs(2));
  std::vector<double> means;
  for (const auto& value : settings) {
    const Struct& setting = value.struct_value();
    EXPECT_EQ(NumberIn(setting, "n"), 3);
    EXPECT_LT(NumberIn(setting, "low"), NumberIn(setting, "mean"));
    EXPECT_GT(NumberIn(setting, "high"), NumberIn(setting, "mean"));
    EXPECT_GT(NumberIn(setting, "parameters"), 1000);
    EXPECT_GT(NumberIn(setting, "train_flops"), 1e6);
    EXPECT_GT(NumberIn(setting, "tokens_per_s"), 1);
    double sum = 0;
    for (const auto& run : setting.fields().at("runs").list_value().values()) {
      EXPECT_TRUE(run.struct_value().fields().at("counted").bool_value());
      sum += NumberIn(run.struct_value(), "value");
    }
    EXPECT_NEAR(NumberIn(setting, "mean"), sum / 3, 1e-12);
    means.push_back(NumberIn(setting, "mean"));
  }
  const Struct& difference = settings[1].struct_value().fields().at("difference").struct_value();
  EXPECT_EQ(difference.fields().at("kind").string_value(), "paired");
  EXPECT_EQ(NumberIn(difference, "pairs"), 3);
  EXPECT_NEAR(NumberIn(difference, "mean"), means[1] - means[0], 1e-12);
  EXPECT_EQ(settings[0].struct_value().fields().at("difference").kind_case(),
            google::protobuf::Value::kNullValue);

  const CapturedRun text = lab().Shoal(
      {"compare", "depth", "--baseline", "tiny-L2-s1", "--pick", "min", "--sort", "metric"});
  EXPECT_EQ(text.exit.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("n_layers"), HasSubstr(" ± "), HasSubstr("baseline"),
                              HasSubstr("min held_out/loss")));
}

TEST_F(ComparedSweep, MistakesAreAnsweredWithWhatThereIs) {
  const CapturedRun metric = lab().Shoal({"compare", "depth", "-m", "held_out/los"});
  EXPECT_EQ(metric.exit.code, 2);
  EXPECT_THAT(metric.err, AllOf(HasSubstr("held_out/loss"), HasSubstr("train/tokens")));
  const CapturedRun path = lab().Shoal({"compare", "depth", "--by", "model.layers"});
  EXPECT_EQ(path.exit.code, 2);
  EXPECT_THAT(path.err, HasSubstr("model.n_layers"));
  EXPECT_EQ(lab().Shoal({"compare", "depth", "--baseline", "model.n_layers=9"}).exit.code, 2);
  EXPECT_EQ(lab().Shoal({"compare", "nobody"}).exit.code, 2);
  EXPECT_EQ(lab().Shoal({"compare", "depth", "--out", "x.csv"}).exit.code, 2);
  EXPECT_EQ(lab().Shoal({"compare", "depth", "--export", "csv", "--json"}).exit.code, 2);
  EXPECT_EQ(lab().Shoal({"report", "depth", "--out", "/nowhere/report.html"}).exit.code, 2);
}

TEST_F(ComparedSweep, TheExportHoldsEveryPointBitForBit) {
  const CapturedRun csv = lab().Shoal({"plot", "depth", "--export", "csv"});
  ASSERT_EQ(csv.exit.code, 0) << csv.err;
  const std::vector<std::string_view> lines = Lines(csv.out, "\r\n");
  EXPECT_EQ(lines.front(), "run,run_id,metric,step,value,recorded_at,attempt,superseded");
  std::map<std::pair<std::string, std::string>, std::vector<std::pair<int64_t, double>>> curves;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> fields = Fields(lines[i]);
    ASSERT_THAT(fields, SizeIs(8)) << lines[i];
    curves[{fields[0], fields[2]}].emplace_back(std::stoll(fields[3]),
                                                std::strtod(fields[4].c_str(), nullptr));
    EXPECT_EQ(fields[6], "1");
    EXPECT_EQ(fields[7], "false");
  }
  size_t points = 0;
  for (const auto& [key, curve] : curves) {
    const std::vector<v1::MetricPoint> expected = lab().Curve(key.first, key.second);
    ASSERT_EQ(curve.size(), expected.size()) << key.first << " " << key.second;
    for (size_t i = 0; i < curve.size(); ++i) {
      EXPECT_EQ(curve[i].first, expected[i].step());
      EXPECT_EQ(std::bit_cast<uint64_t>(curve[i].second),
                std::bit_cast<uint64_t>(expected[i].value()));
    }
    points += curve.size();
  }
  EXPECT_EQ(points + 1, lines.size());
  for (const char* run : {"tiny-L1-s1", "tiny-L2-s3"}) {
    EXPECT_THAT((curves[{run, "train/loss"}]), SizeIs(8));  // 40 steps, one in five
    EXPECT_THAT((curves[{run, "held_out/loss"}]), SizeIs(3));
  }
  const std::string path = StrCat(lab().data_dir(), "/points.jsonl");
  ASSERT_EQ(lab().Shoal({"plot", "depth", "--export", "jsonl", "--out", path}).exit.code, 0);
  RealFileSystem files;
  ASSERT_OK_AND_ASSIGN(const std::string jsonl, files.ReadFile(path));
  EXPECT_EQ(Lines(jsonl, "\n").size(), points);
}

TEST_F(ComparedSweep, ListExportsEveryRun) {
  const CapturedRun list = lab().Shoal({"list", "--export", "jsonl", "--limit", "1"});
  ASSERT_EQ(list.exit.code, 0) << list.err;
  std::set<std::string> names;
  for (const std::string_view line : Lines(list.out, "\n")) {
    Struct run;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(std::string(line), &run).ok()) << line;
    names.insert(run.fields().at("run").string_value());
    EXPECT_EQ(run.fields().at("note").string_value(), "</td><script>alert(1)</script>");
    EXPECT_GT(NumberIn(run, "model.n_layers"), 0);
    EXPECT_GT(NumberIn(run, "held_out/loss.min"), 0);
  }
  EXPECT_THAT(names, SizeIs(6));
}

TEST_F(ComparedSweep, PlotDrawsBandsAndAxes) {
  const CapturedRun band = lab().Shoal(
      {"plot", "depth", "--band", "-m", "train/loss,held_out/loss", "--x", "tokens", "--log"});
  EXPECT_EQ(band.exit.code, 0) << band.err;
  EXPECT_THAT(band.out, AllOf(HasSubstr("tokens"), HasSubstr("model.n_layers=2  held_out/loss"),
                              HasSubstr("3 runs")));
  for (const char* axis : {"step", "flops", "time"}) {
    EXPECT_EQ(lab().Shoal({"plot", "tiny-L1-s1", "--x", axis, "--smooth", "0.5"}).exit.code, 0)
        << axis;
  }
}

TEST_F(ComparedSweep, TheReportIsOneWellFormedPageWithEveryRun) {
  const std::string path = StrCat(lab().data_dir(), "/report.html");
  const Struct reply = lab().Json({"report", "depth", "--out", path});
  EXPECT_EQ(NumberIn(reply, "runs"), 6);
  RealFileSystem files;
  ASSERT_OK_AND_ASSIGN(const std::string page, files.ReadFile(path));
  XmlNode root;
  ASSERT_EQ(ParseXml(page, root), "");
  EXPECT_TRUE(root.All("script").empty());
  const std::string text = root.AllText();
  for (const int layers : {1, 2}) {
    for (const int seed : {1, 2, 3})
      EXPECT_THAT(text, HasSubstr(StrCat("tiny-L", layers, "-s", seed)));
  }
  EXPECT_THAT(text, AllOf(HasSubstr("</td><script>alert(1)</script>"),
                          HasSubstr("Answers to the spec's prompts"), HasSubstr("backend=")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_GE(root.All("figure").size(), 4u);
  const CapturedRun again = lab().Shoal({"report", "depth", "--out", "-"});
  EXPECT_THAT(again.out, HasSubstr("</html>"));
}

}  // namespace
}  // namespace shoal::e2e
