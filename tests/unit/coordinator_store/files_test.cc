#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "coordinator/store/artifact_files.h"
#include "coordinator/store/data_folder.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class FilesTest : public TempDirTest {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<DataFolder>> folder = DataFolder::Open(Path("lab"));
    ASSERT_OK(folder);
    folder_ = *std::move(folder);
    artifacts_.emplace(folder_->artifacts_path(), folder_->incoming_path());
  }
  absl::Status Put(const std::string& bytes, const Digest& digest) {
    SHOAL_ASSIGN_OR_RETURN(auto upload,
                           artifacts_->BeginUpload(digest, static_cast<int64_t>(bytes.size())));
    SHOAL_RETURN_IF_ERROR(upload->Append(bytes));
    return upload->Finish();
  }
  std::unique_ptr<DataFolder> folder_;
  std::optional<ArtifactFiles> artifacts_;
};

TEST_F(FilesTest, AFolderHasOneOwnerUntilItLetsGo) {
  EXPECT_THAT(DataFolder::Open(Path("lab")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(StrCat("pid ", getpid()))));
  folder_.reset();
  EXPECT_OK(DataFolder::Open(Path("lab")));
}

TEST_F(FilesTest, WhatWasPutIsFoundByItsDigest) {
  const std::string bytes = "some bytes";
  const Digest digest = Sha256Of(bytes);
  EXPECT_EQ(artifacts_->SizeOf(digest), -1);
  ASSERT_OK(Put(bytes, digest));
  EXPECT_EQ(artifacts_->SizeOf(digest), 10);
  ASSERT_OK_AND_ASSIGN(auto reader, artifacts_->Open(digest, 0));
  EXPECT_THAT(reader->Read(4), IsOkAndHolds("some"));
  EXPECT_THAT(reader->Read(100), IsOkAndHolds(" bytes"));
  EXPECT_THAT(reader->Read(100), IsOkAndHolds(""));
  EXPECT_THAT(artifacts_->Open(Sha256Of("other"), 0), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FilesTest, AWrongDigestLeavesNothing) {
  EXPECT_THAT(Put("bytes", Sha256Of("other bytes")), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(files_.ListDir(folder_->incoming_path()), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(files_.ListDir(folder_->artifacts_path()), IsOkAndHolds(IsEmpty()));
}

// A limit on the size of files is the nearest thing to a full disk that a test may have.
TEST_F(FilesTest, ADiskWithoutRoomLeavesNothing) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old = {};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small = old;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string bytes(5000, 'x');
  const absl::Status status = Put(bytes, Sha256Of(bytes));
  setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(artifacts_->SizeOf(Sha256Of(bytes)), -1);
  EXPECT_THAT(files_.ListDir(folder_->incoming_path()), IsOkAndHolds(IsEmpty()));
  EXPECT_OK(Put(bytes, Sha256Of(bytes)));
}

TEST_F(FilesTest, LeftoversAreRemovedAndTheRestStays) {
  ASSERT_OK(Put("known", Sha256Of("known")));
  ASSERT_OK(Put("unknown", Sha256Of("unknown")));
  EXPECT_EQ(
      artifacts_->RemoveOthers([](const Digest& digest) { return digest == Sha256Of("known"); }),
      1);
  EXPECT_EQ(artifacts_->SizeOf(Sha256Of("known")), 5);
  EXPECT_EQ(artifacts_->SizeOf(Sha256Of("unknown")), -1);
}

}  // namespace
}  // namespace shoal::store
