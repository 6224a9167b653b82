#include "cli/report/comparison_text.h"

#include <simdjson.h>

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/cli_analysis/made_runs.h"

namespace shoal::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<v1::RunDetail> Grid() {
  std::vector<v1::RunDetail> runs;
  for (const int layers : {1, 2}) {
    for (const uint64_t seed : {1, 2, 3})
      runs.push_back(
          MadeRun(layers, seed,
                  1.5 - 0.1 * layers + 0.01 * std::sin(layers + 2.0 * static_cast<double>(seed))));
  }
  return runs;
}

std::string Text(const std::vector<v1::RunDetail>& runs, int columns) {
  cli::Terminal terminal;
  terminal.columns = columns;
  const auto comparison = analysis::Compare(runs, {});
  EXPECT_OK(comparison);
  return comparison.ok() ? ComparisonText(terminal, *comparison, runs) : "";
}

TEST(ComparisonText, IsOneTableWhereThereIsRoom) {
  const std::string text = Text(Grid(), 120);
  EXPECT_THAT(text, AllOf(HasSubstr("n_layers"), HasSubstr("SEEDS"), HasSubstr("held_out/loss"),
                          HasSubstr(" ± "), HasSubstr("baseline"), HasSubstr("2.00G"),
                          HasSubstr("500"), HasSubstr("10s")));
  EXPECT_THAT(text, Not(HasSubstr("setting 1")));
}

TEST(ComparisonText, NoLineIsWiderThanTheTerminal) {
  auto runs = Grid();
  for (size_t i = 3; i < 6; ++i) {  // many columns
    runs[i].mutable_spec()->mutable_train()->mutable_optimizer()->set_lr(0.0123456789);
    runs[i].mutable_spec()->mutable_train()->mutable_schedule()->set_kind("linear");
    runs[i].mutable_spec()->mutable_model()->set_activation("relu");
    runs[i].mutable_spec()->mutable_model()->set_d_model(64);
  }
  for (const int columns : {60, 80, 100, 200}) {
    const std::string text = Text(runs, columns);
    for (const std::string_view line : StrSplit(text, '\n')) {
      if (line.starts_with("setting ")) continue;  // told whole
      EXPECT_LE(cli::DisplayWidth(line), columns) << line;
    }
    EXPECT_THAT(text, HasSubstr("0.0123456789")) << columns;  // nothing is lost
    EXPECT_THAT(text, HasSubstr("500")) << columns;
  }
}

TEST(ComparisonText, NamesWhatWasNotCounted) {
  auto runs = Grid();
  runs[1].mutable_run()->set_status(v1::RUN_STATUS_FAILED);
  runs[1].mutable_run()->set_status_reason("a\x1b[31mb");
  const std::string text = Text(runs, 120);
  EXPECT_THAT(text, AllOf(HasSubstr("NOT COUNTED"), HasSubstr("tiny-L1-s2"), HasSubstr("2/3"),
                          HasSubstr("\\x1b[31m"), Not(HasSubstr("\x1b[31m"))));
}

TEST(ComparisonText, OneSeedHasNoInterval) {
  const std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1.5), MadeRun(2, 1, 1.25)};
  const std::string text = Text(runs, 120);
  EXPECT_THAT(text, AllOf(HasSubstr("1.250"), HasSubstr("-0.250"), Not(HasSubstr(" ± ")),
                          HasSubstr("no interval")));
}

TEST(ComparisonJson, IsValidAndComplete) {
  auto runs = Grid();
  runs[5].mutable_run()->set_status(v1::RUN_STATUS_FAILED);
  ASSERT_OK_AND_ASSIGN(const auto comparison, analysis::Compare(runs, {}));
  const std::string json = "{" + ComparisonJson(comparison, runs) + "}";
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  ASSERT_EQ(parser.parse(json).get(document), simdjson::SUCCESS) << json;
  EXPECT_EQ(std::string_view(document["metric"]), "held_out/loss");
  EXPECT_EQ(document["settings"].get_array().size(), 2u);
  const simdjson::dom::element second = document["settings"].at(1);
  EXPECT_EQ(int64_t(second["values"]["model.n_layers"]), 2);
  EXPECT_EQ(int64_t(second["n"]), 2);
  EXPECT_EQ(std::string_view(second["difference"]["kind"]), "paired");
  EXPECT_EQ(second["runs"].get_array().size(), 3u);
  EXPECT_FALSE(bool(second["runs"].at(2)["counted"]));
  EXPECT_TRUE(document["settings"].at(0)["difference"].is_null());
}

}  // namespace
}  // namespace shoal::report
