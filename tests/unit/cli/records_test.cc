#include "cli/output/records.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "cli/output/json.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::cli {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string CsvLine(const std::vector<Cell>& cells) {
  return RecordLines(RecordFormat::kCsv, std::vector<std::string>(cells.size(), "c")).Line(cells);
}
std::string JsonLine(const std::vector<Cell>& cells) {
  std::vector<std::string> columns;
  for (size_t i = 0; i < cells.size(); ++i)
    columns.push_back(std::string(1, static_cast<char>('a' + i)));
  return RecordLines(RecordFormat::kJsonLines, columns).Line(cells);
}
Cell Text(const char* text) { return std::string(text); }

// RFC 4180, sections 2.5 to 2.7.
TEST(Records, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(CsvLine({Text("plain"), Text("with space")}), "plain,with space\r\n");
  EXPECT_EQ(CsvLine({Text("a,b"), Text("say \"hi\""), Text("two\nlines"), Text("cr\rcr")}),
            "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"cr\rcr\"\r\n");
  EXPECT_EQ(CsvLine({RawJson{"[\"a\",\"b\"]"}}), "\"[\"\"a\"\",\"\"b\"\"]\"\r\n");
  EXPECT_EQ(RecordLines(RecordFormat::kCsv, {"a", "b,c"}).Header(), "a,\"b,c\"\r\n");
}

TEST(Records, CsvValues) {
  EXPECT_EQ(CsvLine({Cell(), true, false, int64_t{-5}, 0.1, 1e300}),
            ",true,false,-5,0.1,1e+300\r\n");
  EXPECT_EQ(CsvLine({kNan, kInf, -kInf}), "NaN,inf,-inf\r\n");
}

TEST(Records, JsonValues) {
  EXPECT_EQ(
      JsonLine({Cell(), true, int64_t{9007199254740993}, 0.1, Text("q\"\n"), RawJson{"[1]"}}),
      "{\"a\":null,\"b\":true,\"c\":9007199254740993,\"d\":0.1,\"e\":\"q\\\"\\n\",\"f\":[1]}\n");
  EXPECT_EQ(JsonLine({kNan, kInf, -kInf}),
            "{\"a\":\"NaN\",\"b\":\"Infinity\",\"c\":\"-Infinity\"}\n");
  EXPECT_EQ(RecordLines(RecordFormat::kJsonLines, {"a"}).Header(), "");
}

TEST(Records, EveryDoubleComesBackBitForBit) {
  uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto value = std::bit_cast<double>(state ^ (state >> 29));
    if (!std::isfinite(value)) continue;
    const std::string csv = CsvLine({value});
    EXPECT_EQ(std::bit_cast<uint64_t>(std::strtod(csv.c_str(), nullptr)),
              std::bit_cast<uint64_t>(value))
        << csv;
    EXPECT_EQ(std::strtod(JsonNumber(value).c_str(), nullptr), value);
  }
  EXPECT_EQ(CsvLine({-0.0}), "-0\r\n");
}

TEST(Records, FormatsHaveNames) {
  EXPECT_THAT(ParseRecordFormat("csv"), IsOkAndHolds(RecordFormat::kCsv));
  EXPECT_THAT(ParseRecordFormat("jsonl"), IsOkAndHolds(RecordFormat::kJsonLines));
  EXPECT_THAT(ParseRecordFormat("parquet"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Json, TextIsEscapedAndRepaired) {
  EXPECT_EQ(JsonText("a\"b\\c\nd\te\x01"), "\"a\\\"b\\\\c\\nd\\u0009e\\u0001\"");
  EXPECT_EQ(JsonText("caf\xc3\xa9 \xff"), "\"caf\xc3\xa9 \xef\xbf\xbd\"");
  EXPECT_EQ(JsonNumber(kNan), "null");
}

}  // namespace
}  // namespace shoal::cli
