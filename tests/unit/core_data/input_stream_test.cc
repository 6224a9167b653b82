#include "core/data/import/input_stream.h"

#include "core/base/random.h"
#include "core/data/import/line_reader.h"
#include "tests/unit/core_data/import_fixture.h"

namespace shoal::data {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Three and a bit pieces of text that does not compress to nothing.
std::string LongText() {
  std::string text;
  Random random(1, PurposeOf(Purpose::kTest));
  while (text.size() < (7 << 19)) text += StrCat(random.NextU64() % 100000, " and\n");
  return text;
}

class InputStreamTest : public ImportTest {};

TEST_F(InputStreamTest, ArchivesAreReadWhateverTheirName) {
  const std::string text = LongText();
  EXPECT_THAT(ReadWhole(Write("plain", text), 1 << 30), IsOkAndHolds(text));
  EXPECT_THAT(ReadWhole(Write("a.txt", Gzip(text)), 1 << 30), IsOkAndHolds(text));
  EXPECT_THAT(ReadWhole(Write("b", Zstd(text)), 1 << 30), IsOkAndHolds(text));
  EXPECT_THAT(ReadWhole(Write("c", ""), 1 << 30), IsOkAndHolds(""));
  EXPECT_THAT(ReadWhole(Write("d", Gzip("")), 1 << 30), IsOkAndHolds(""));
  EXPECT_THAT(ReadWhole(Write("e", Zstd("")), 1 << 30), IsOkAndHolds(""));
  EXPECT_THAT(ReadHead(Path("a.txt"), 100), IsOkAndHolds(text.substr(0, 100)));
  EXPECT_THAT(ReadHead(Path("b"), 3 << 20), IsOkAndHolds(text.substr(0, 3 << 20)));
}

TEST_F(InputStreamTest, SeveralMembersAreOneStream) {
  const std::string text = LongText();
  EXPECT_THAT(ReadWhole(Write("a", Gzip("one ") + Gzip("") + Gzip(text)), 1 << 30),
              IsOkAndHolds("one " + text));
  EXPECT_THAT(ReadWhole(Write("b", Zstd(text) + Zstd("two")), 1 << 30), IsOkAndHolds(text + "two"));
  // The piece ends exactly where a frame does.
  const std::string piece(1 << 20, 'x');
  EXPECT_THAT(ReadWhole(Write("c", Zstd(piece)), 1 << 30), IsOkAndHolds(piece));
  EXPECT_THAT(ReadWhole(Write("d", Gzip(piece)), 1 << 30), IsOkAndHolds(piece));
}

TEST_F(InputStreamTest, EveryTruncationIsTold) {
  const std::string text = "some text that is long enough to be cut in many places";
  for (const std::string& whole : {Gzip(text), Zstd(text)}) {
    for (size_t size = 4; size < whole.size(); ++size) {
      EXPECT_THAT(ReadWhole(Write("cut", whole.substr(0, size)), 1 << 30),
                  StatusIs(absl::StatusCode::kInvalidArgument,
                           AllOf(HasSubstr("cut is a truncated archive"), HasSubstr("again"))))
          << size;
    }
  }
}

TEST_F(InputStreamTest, DamageIsToldAndBombsAreRefused) {
  std::string gzip = Gzip(LongText());
  gzip[gzip.size() / 2] = static_cast<char>(gzip[gzip.size() / 2] ^ 0x55);
  EXPECT_THAT(ReadWhole(Write("a", gzip), 1 << 30),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("archive")));
  EXPECT_THAT(ReadWhole(Write("b", Gzip("x") + "trailing"), 1 << 30),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("damaged archive")));
  const std::string zeros(16 << 20, '\0');
  EXPECT_THAT(ReadWhole(Write("c", Gzip(zeros)), 1 << 20),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 1 MiB")));
  EXPECT_THAT(ReadWhole(Write("d", Zstd(zeros)), 1 << 20),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 1 MiB")));
  EXPECT_THAT(InputStream::Open(Path("missing")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(InputStream::Open(dir()), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(InputStreamTest, LinesOfEveryEnding) {
  const std::string longest(100, 'x');
  Write("t", StrCat("\xEF\xBB\xBF", "one\r\ntwo\n\n", longest, "\n", longest, "y\r\nlast"));
  auto stream = InputStream::Open(Path("t"));
  ASSERT_OK(stream);
  LineReader reader(*std::move(stream), 100);
  std::vector<std::string> seen;
  InputLine line;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const bool more, reader.Next(line));
    if (!more) break;
    seen.push_back(StrCat(line.number, " ", line.bytes, line.too_long ? " too long" : "", " ",
                          line.ending == "\r\n" ? "crlf " : "", line.text.substr(0, 5)));
  }
  EXPECT_THAT(seen, testing::ElementsAre("1 3 crlf one", "2 3 two", "3 0 ", "4 100 xxxxx",
                                         "5 102 too long xxxxx", "6 4 last"));
  ASSERT_OK_AND_ASSIGN(auto utf16, InputStream::Open(Write("u", std::string("\xFF\xFEh\0", 4))));
  LineReader wide(std::move(utf16), 100);
  EXPECT_THAT(wide.Next(line), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("iconv")));
}

TEST_F(InputStreamTest, ALineMayLieInManyPieces) {
  const std::string big(20 << 20, 'x');
  ASSERT_OK_AND_ASSIGN(auto stream, InputStream::Open(Write("t", StrCat(big, "\nshort\n"))));
  LineReader reader(std::move(stream), 16 << 20);
  InputLine line;
  ASSERT_THAT(reader.Next(line), IsOkAndHolds(true));
  EXPECT_TRUE(line.too_long);
  EXPECT_EQ(line.bytes, 20 << 20);
  ASSERT_THAT(reader.Next(line), IsOkAndHolds(true));
  EXPECT_EQ(line.text, "short");
  ASSERT_OK_AND_ASSIGN(stream, InputStream::Open(Path("t")));
  LineReader patient(std::move(stream), 32 << 20);
  ASSERT_THAT(patient.Next(line), IsOkAndHolds(true));
  EXPECT_EQ(line.text, big);
}

}  // namespace
}  // namespace shoal::data
