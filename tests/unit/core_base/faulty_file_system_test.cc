#include "tests/support/faulty_file_system.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

constexpr auto kFull = absl::StatusCode::kResourceExhausted;

class FaultyFileSystemTest : public TempDirTest {
 protected:
  FaultyFileSystem faulty_;
};

TEST_F(FaultyFileSystemTest, PassesThroughUntilTold) {
  EXPECT_OK(faulty_.WriteFileAtomic(Path("x"), "1"));
  EXPECT_THAT(faulty_.ReadFile(Path("x")), IsOkAndHolds("1"));
  EXPECT_EQ(faulty_.calls(FileOperation::kWriteAtomic), 1);
}

TEST_F(FaultyFileSystemTest, FailsAfterTheGivenSuccessesUntilHealed) {
  faulty_.FailAfter(FileOperation::kWriteAtomic, 1, absl::ResourceExhaustedError("disk full"));
  EXPECT_OK(faulty_.WriteFileAtomic(Path("x"), "1"));
  EXPECT_THAT(faulty_.WriteFileAtomic(Path("x"), "2"), StatusIs(kFull, "disk full"));
  EXPECT_THAT(faulty_.WriteFileAtomic(Path("x"), "3"), StatusIs(kFull));
  EXPECT_THAT(faulty_.ReadFile(Path("x")), IsOkAndHolds("1"));
  faulty_.Heal();
  EXPECT_OK(faulty_.WriteFileAtomic(Path("x"), "4"));
}

TEST_F(FaultyFileSystemTest, TearsAnAppend) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<AppendFile> file, faulty_.OpenAppend(Path("log")));
  faulty_.TearAppendAfter(1, 2, absl::ResourceExhaustedError("disk full"));
  EXPECT_OK(file->Append("first "));
  EXPECT_THAT(file->Append("second"), StatusIs(kFull));
  EXPECT_THAT(faulty_.ReadFile(Path("log")), IsOkAndHolds("first se"));
  EXPECT_EQ(file->size(), 8);
}

TEST_F(FaultyFileSystemTest, FailsSync) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<AppendFile> file, faulty_.OpenAppend(Path("log")));
  faulty_.FailAfter(FileOperation::kSync, 0, absl::DataLossError("EIO"));
  EXPECT_THAT(file->Sync(), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace shoal
