#include "core/base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using FileTest = TempDirTest;

TEST_F(FileTest, WritesAndReadsAnyBytes) {
  const std::string bytes("a\0b\n", 4);
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), bytes));
  EXPECT_THAT(files_.ReadFile(Path("x")), IsOkAndHolds(bytes));
  EXPECT_THAT(files_.FileSize(Path("x")), IsOkAndHolds(4));
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), ""));
  EXPECT_THAT(files_.ReadFile(Path("x")), IsOkAndHolds(""));
  EXPECT_THAT(files_.ListDir(dir()), IsOkAndHolds(ElementsAre("x")));
}

TEST_F(FileTest, ReadsRanges) {
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), "0123456789"));
  EXPECT_THAT(files_.ReadRange(Path("x"), 2, 3), IsOkAndHolds("234"));
  EXPECT_THAT(files_.ReadRange(Path("x"), 0, 4), IsOkAndHolds("0123"));
  EXPECT_THAT(files_.ReadRange(Path("x"), 8, 100), IsOkAndHolds("89"));
  EXPECT_THAT(files_.ReadRange(Path("x"), 20, 5), IsOkAndHolds(""));
  EXPECT_THAT(files_.ReadRange(Path("x"), 0, 0), IsOkAndHolds(""));
  EXPECT_THAT(files_.ReadRange(Path("x"), -1, 5), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(FileTest, ReadsFilesThatHideTheirSize) {
  EXPECT_THAT(files_.ReadFile("/proc/self/status"), IsOkAndHolds(HasSubstr("Threads:")));
}

TEST_F(FileTest, ErrorsNamePathAndErrno) {
  EXPECT_THAT(files_.ReadFile(Path("none")),
              StatusIs(absl::StatusCode::kNotFound,
                       "opening " + Path("none") + ": No such file or directory (ENOENT)"));
  EXPECT_THAT(files_.ReadFile(dir()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("EISDIR")));
  EXPECT_THAT(files_.WriteFileAtomic(Path("no/x"), ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("no/x"))));
  EXPECT_THAT(files_.ListDir(Path("none")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(files_.FileSize(dir()), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(FileTest, AFullDiskIsResourceExhausted) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<AppendFile> full, files_.OpenAppend("/dev/full"));
  EXPECT_THAT(full->Append("x"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("ENOSPC")));
}

TEST_F(FileTest, FailedReplacementLeavesTheOldAndNoRest) {
  ASSERT_OK(files_.MakeDirs(Path("x"), 0755));
  EXPECT_FALSE(
      files_.WriteFileAtomic(Path("x"), "new").ok());  // a folder cannot be replaced by a file
  EXPECT_THAT(files_.ListDir(dir()), IsOkAndHolds(ElementsAre("x")));
}

TEST_F(FileTest, AppendContinues) {
  {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<AppendFile> file, files_.OpenAppend(Path("log")));
    EXPECT_OK(file->Append("one\n"));
    EXPECT_OK(file->Sync());
    EXPECT_EQ(file->size(), 4);
  }
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<AppendFile> file, files_.OpenAppend(Path("log")));
  EXPECT_EQ(file->size(), 4);
  EXPECT_OK(file->Append("two\n"));
  EXPECT_THAT(files_.ReadFile(Path("log")), IsOkAndHolds("one\ntwo\n"));
}

TEST_F(FileTest, MakesAndRemovesTrees) {
  ASSERT_OK(files_.MakeDirs(Path("a/b/c"), 0700));
  ASSERT_OK(files_.MakeDirs(Path("a/b/c"), 0700));
  struct stat info {};
  ASSERT_EQ(stat(Path("a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_OK(files_.WriteFileAtomic(Path("a/b/c/x"), "1"));
  EXPECT_THAT(files_.MakeDirs(Path("a/b/c/x/y"), 0755),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(files_.MakeDirs(Path("a/b/c/x"), 0755), StatusIs(absl::StatusCode::kAlreadyExists));
  ASSERT_OK(files_.RemoveAll(Path("a")));
  ASSERT_OK(files_.RemoveAll(Path("a")));
  EXPECT_THAT(files_.ListDir(dir()), IsOkAndHolds(IsEmpty()));
}

TEST_F(FileTest, RemoveAllDoesNotFollowLinks) {
  ASSERT_OK(files_.MakeDirs(Path("kept"), 0755));
  ASSERT_OK(files_.WriteFileAtomic(Path("kept/x"), "1"));
  ASSERT_OK(files_.MakeDirs(Path("gone"), 0755));
  ASSERT_EQ(symlink(Path("kept").c_str(), Path("gone/link").c_str()), 0);
  ASSERT_OK(files_.RemoveAll(Path("gone")));
  EXPECT_TRUE(files_.Exists(Path("kept/x")));
}

TEST_F(FileTest, RenameReplaces) {
  ASSERT_OK(files_.WriteFileAtomic(Path("a"), "1"));
  ASSERT_OK(files_.WriteFileAtomic(Path("b"), "2"));
  ASSERT_OK(files_.Rename(Path("a"), Path("b")));
  EXPECT_THAT(files_.ReadFile(Path("b")), IsOkAndHolds("1"));
  EXPECT_FALSE(files_.Exists(Path("a")));
  EXPECT_OK(files_.RemoveFile(Path("b")));
  EXPECT_OK(files_.RemoveFile(Path("b")));
}

TEST_F(FileTest, LinksOnOneFileSystem) {
  ASSERT_OK(files_.WriteFileAtomic(Path("a"), "1"));
  ASSERT_OK(files_.LinkOrCopy(Path("a"), Path("b")));
  struct stat a {};
  struct stat b {};
  ASSERT_EQ(stat(Path("a").c_str(), &a), 0);
  ASSERT_EQ(stat(Path("b").c_str(), &b), 0);
  EXPECT_EQ(a.st_ino, b.st_ino);
  EXPECT_THAT(files_.LinkOrCopy(Path("a"), Path("b")), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(files_.LinkOrCopy(Path("none"), Path("c")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, CopiesAcrossFileSystems) {
  ASSERT_OK(files_.LinkOrCopy("/proc/self/status", Path("copy")));
  EXPECT_THAT(files_.ReadFile(Path("copy")), IsOkAndHolds(HasSubstr("Threads:")));
}

TEST_F(FileTest, TempDirGoesWithItsObject) {
  std::string path;
  {
    ASSERT_OK_AND_ASSIGN(TempDir first, TempDir::Make(dir(), "t-"));
    path = first.path();
    ASSERT_OK(files_.WriteFileAtomic(first.File("x"), "1"));
    const TempDir second = std::move(first);
    EXPECT_EQ(second.path(), path);
    EXPECT_TRUE(files_.Exists(path));
  }
  EXPECT_FALSE(files_.Exists(path));
}

TEST(PathTest, JoinAndTakeApart) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(DirName("/a/b"), "/a");
  EXPECT_EQ(DirName("/a"), "/");
  EXPECT_EQ(DirName("a"), ".");
  EXPECT_EQ(BaseName("/a/b"), "b");
  EXPECT_EQ(BaseName("b"), "b");
}

}  // namespace
}  // namespace shoal
