#include "cli/report/run_records.h"

#include <simdjson.h>

#include <algorithm>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/cli_analysis/made_runs.h"

namespace shoal::report {
namespace {

using testing::Contains;
using testing::Not;

TEST(RunRecords, HasARowForEachRunAndAColumnForEachDifference) {
  std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1.5), MadeRun(2, 9007199254740991, 1.25)};
  runs[0].mutable_run()->set_note("a, \"b\"\nc");
  SetMetric(runs[1], "held_out/accuracy", std::numeric_limits<double>::quiet_NaN());
  (*runs[1].mutable_run()->mutable_metrics())["held_out/accuracy"].set_not_finite(5);
  const Records records = RunRecords(runs);
  EXPECT_THAT(records.columns, Contains("model.n_layers"));
  EXPECT_THAT(records.columns, Contains("held_out/loss.min_step"));
  EXPECT_THAT(records.columns, Not(Contains("model.d_model")));  // alike in both
  EXPECT_EQ(std::count(records.columns.begin(), records.columns.end(), "seed"), 1);
  ASSERT_EQ(records.rows.size(), 2u);

  const cli::RecordLines lines(cli::RecordFormat::kJsonLines, records.columns);
  simdjson::dom::parser parser;
  simdjson::dom::element first, second;
  const std::string json = lines.Line(records.rows[0]);
  ASSERT_EQ(parser.parse(json).get(first), simdjson::SUCCESS) << json;
  EXPECT_EQ(std::string_view(first["note"]), "a, \"b\"\nc");
  EXPECT_EQ(int64_t(first["model.n_layers"]), 1);
  EXPECT_EQ(double(first["held_out/loss.last"]), 1.5);
  EXPECT_TRUE(first["held_out/accuracy.last"].is_null());
  simdjson::dom::parser another;
  ASSERT_EQ(another.parse(lines.Line(records.rows[1])).get(second), simdjson::SUCCESS);
  EXPECT_EQ(int64_t(second["seed"]), 9007199254740991);
  EXPECT_EQ(std::string_view(second["held_out/accuracy.last"]), "NaN");
  EXPECT_TRUE(second["held_out/accuracy.min"].is_null());
  EXPECT_EQ(int64_t(second["held_out/accuracy.not_finite"]), 5);
}

TEST(RunRecords, TellsWhatAComparisonMadeOfThem) {
  std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1.5), MadeRun(2, 1, 1.25)};
  runs[1].mutable_run()->set_status(v1::RUN_STATUS_CANCELLED);
  ASSERT_OK_AND_ASSIGN(const auto comparison, analysis::Compare(runs, {}));
  const Records records = RunRecords(runs, &comparison);
  const auto cell = [&](size_t row, const char* column) {
    const auto at = std::find(records.columns.begin(), records.columns.end(), column);
    return records.rows[row][static_cast<size_t>(at - records.columns.begin())];
  };
  EXPECT_EQ(std::get<std::string>(cell(1, "setting")), "model.n_layers=2");
  EXPECT_TRUE(std::get<bool>(cell(0, "counted")));
  EXPECT_FALSE(std::get<bool>(cell(1, "counted")));
}

TEST(TimeCell, IsUtcToTheMicrosecond) {
  EXPECT_EQ(std::get<std::string>(TimeCell(int64_t{1767225600250001})),
            "2026-01-01T00:00:00.250001Z");
  EXPECT_TRUE(std::holds_alternative<std::monostate>(TimeCell(google::protobuf::Timestamp())));
}

}  // namespace
}  // namespace shoal::report
