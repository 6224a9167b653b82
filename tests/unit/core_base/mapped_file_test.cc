#include "core/base/mapped_file.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

using MappedFileTest = TempDirTest;

TEST_F(MappedFileTest, IsTheFile) {
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), "content"));
  ASSERT_OK_AND_ASSIGN(MappedFile mapped, MappedFile::Open(Path("x")));
  const MappedFile moved = std::move(mapped);
  EXPECT_EQ(moved.text(), "content");
  EXPECT_EQ(moved.bytes()[0], 'c');
  EXPECT_EQ(reinterpret_cast<uintptr_t>(moved.bytes().data()) % 4096, 0u);
}

TEST_F(MappedFileTest, OutlivesItsName) {
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), "old"));
  ASSERT_OK_AND_ASSIGN(const MappedFile mapped, MappedFile::Open(Path("x")));
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), "new content"));
  EXPECT_EQ(mapped.text(), "old");
}

TEST_F(MappedFileTest, EmptyFileIsEmpty) {
  ASSERT_OK(files_.WriteFileAtomic(Path("x"), ""));
  ASSERT_OK_AND_ASSIGN(const MappedFile mapped, MappedFile::Open(Path("x")));
  EXPECT_TRUE(mapped.bytes().empty());
}

TEST_F(MappedFileTest, RefusesWhatIsNotAFile) {
  EXPECT_THAT(MappedFile::Open(Path("none")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(MappedFile::Open(dir()), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace shoal
