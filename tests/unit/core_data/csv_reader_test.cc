#include "core/data/import/csv_reader.h"

#include "core/base/random.h"
#include "tests/unit/core_data/import_fixture.h"

namespace shoal::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CsvTest : public ImportTest {
 protected:
  std::vector<CsvRecord> Read(std::string_view text, char delimiter = ',',
                              int64_t max_bytes = 1000) {
    auto stream = InputStream::Open(Write("t.csv", text));
    EXPECT_OK(stream);
    CsvReader reader(*std::move(stream), delimiter, max_bytes);
    std::vector<CsvRecord> records;
    CsvRecord record;
    while (true) {
      const absl::StatusOr<bool> more = reader.Next(record);
      EXPECT_OK(more);
      if (!more.ok() || !*more) return records;
      records.push_back(record);
    }
  }
  // The fields of the only record.
  std::vector<std::string> One(std::string_view text) {
    const std::vector<CsvRecord> records = Read(text);
    EXPECT_EQ(records.size(), 1u);
    if (records.empty()) return {};
    EXPECT_EQ(records[0].problem, "");
    return records[0].fields;
  }
};

TEST_F(CsvTest, Fields) {
  EXPECT_THAT(One("a,b,c\n"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(One("a,b,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(One("a,,\r\n"), ElementsAre("a", "", ""));
  EXPECT_THAT(One("\"\",b"), ElementsAre("", "b"));
  EXPECT_THAT(One("\"a,b\",\"say \"\"hi\"\"\"\n"), ElementsAre("a,b", "say \"hi\""));
  EXPECT_THAT(One("\"one\ntwo\r\nthree\",x\n"), ElementsAre("one\ntwo\r\nthree", "x"));
  EXPECT_THAT(One("5\" disk,b"), ElementsAre("5\" disk", "b"));
  EXPECT_THAT(One("\xEF\xBB\xBF\"a\",b"), ElementsAre("a", "b"));
}

TEST_F(CsvTest, LinesAndBlanks) {
  const std::vector<CsvRecord> records = Read("a\n\n\"b\nb\"\n\nc");
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].line, 1);
  EXPECT_TRUE(records[1].blank);
  EXPECT_EQ(records[2].line, 3);
  EXPECT_TRUE(records[2].quoted_all);
  EXPECT_EQ(records[3].line, 5);
  EXPECT_EQ(records[4].line, 6);
  EXPECT_FALSE(records[4].quoted_all);
}

TEST_F(CsvTest, MistakesStayInTheirLine) {
  std::vector<CsvRecord> records = Read("a,b\n\"open,b\nc,d\ne,f\n");
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[1].problem, "a quote is opened and never closed");
  EXPECT_EQ(records[1].line, 2);
  EXPECT_THAT(records[2].fields, ElementsAre("c", "d"));
  EXPECT_EQ(records[3].line, 4);

  records = Read("\"a\"x,b\nc,d\n");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_THAT(records[0].problem, HasSubstr("followed by 'x'"));
  EXPECT_THAT(records[1].fields, ElementsAre("c", "d"));
}

TEST_F(CsvTest, LongRecords) {
  const std::string longest(1000, 'x');
  std::vector<CsvRecord> records = Read(StrCat(longest, "\n", longest, "y\n", "z\n"));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].problem, "");
  EXPECT_EQ(records[1].problem, "is 1001 bytes long; at most 1000");
  EXPECT_THAT(records[2].fields, ElementsAre("z"));
  // A quote that reaches over more than that is no quote.
  records = Read(StrCat("\"open\n", longest, "\nc\n"));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_THAT(records[0].problem, HasSubstr("never closed"));
}

std::string WriteCsv(const std::vector<std::vector<std::string>>& rows, char delimiter,
                     Random& random) {
  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += delimiter;
      const std::string special = StrCat("\"\r\n", std::string(1, delimiter));
      const bool needed =
          row[i].find_first_of(special) != std::string::npos || (row.size() == 1 && row[i].empty());
      if (!needed && random.Below(2) == 0) {
        out += row[i];
        continue;
      }
      out += '"';
      for (const char c : row[i]) out += c == '"' ? std::string("\"\"") : std::string(1, c);
      out += '"';
    }
    out += random.Below(2) == 0 ? "\n" : "\r\n";
  }
  return out;
}

TEST_F(CsvTest, WhatIsWrittenIsRead) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed, PurposeOf(Purpose::kTest));
    const char delimiter = ",\t;|"[random.Below(4)];
    std::vector<std::vector<std::string>> rows(1 + random.Below(8));
    for (auto& row : rows) {
      row.resize(1 + random.Below(4));
      for (std::string& field : row) {
        static constexpr std::string_view kPieces[] = {"\"", "\n", "\r\n", "\r", ",", "\t",
                                                       ";",  "a",  "ü",    " ",  "|", "\"\""};
        for (uint64_t n = random.Below(6); n > 0; --n) {
          field += kPieces[random.Below(std::size(kPieces))];
        }
      }
    }
    const std::string text = WriteCsv(rows, delimiter, random);
    std::vector<std::vector<std::string>> read;
    for (const CsvRecord& record : Read(text, delimiter)) {
      ASSERT_EQ(record.problem, "") << text;
      read.push_back(record.fields);
    }
    ASSERT_EQ(read, rows) << seed << ": " << text;
  }
}

}  // namespace
}  // namespace shoal::data
