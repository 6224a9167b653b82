#include "cli/output/output_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::cli {
namespace {

using OutputFileTest = TempDirTest;

TEST_F(OutputFileTest, IsThereWholeOrNotAtAll) {
  const std::string path = Path("runs.csv");
  {
    ASSERT_OK_AND_ASSIGN(OutputFile out, OutputFile::Open(path));
    ASSERT_OK(out.Write("half"));
  }
  EXPECT_THAT(files_.ReadFile(path), StatusIs(absl::StatusCode::kNotFound));
  {
    ASSERT_OK_AND_ASSIGN(OutputFile out, OutputFile::Open(path));
    ASSERT_OK(out.Write("a,b\r\n"));
    ASSERT_OK(out.Write("1,2\r\n"));
    ASSERT_OK(out.Finish());
  }
  EXPECT_THAT(files_.ReadFile(path), IsOkAndHolds("a,b\r\n1,2\r\n"));
  ASSERT_OK_AND_ASSIGN(const auto entries, files_.ListDir(dir()));
  EXPECT_EQ(entries.size(), 1u);
}

TEST_F(OutputFileTest, SaysWhatIsWrongWithThePath) {
  EXPECT_THAT(OutputFile::Open(dir()),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("is a folder")));
  EXPECT_THAT(
      OutputFile::Open(Path("none/runs.csv")),
      StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("there is no folder")));
}

TEST_F(OutputFileTest, AFullDiskIsAnError) {
  ASSERT_OK_AND_ASSIGN(OutputFile out, OutputFile::Open("/dev/full"));
  absl::Status status = out.Write(std::string(1 << 16, 'x'));
  status.Update(out.Finish());
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace shoal::cli
