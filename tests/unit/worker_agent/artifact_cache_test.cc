#include "worker/agent/artifact_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "core/base/digest.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::agent {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class ArtifactCacheTest : public TempDirTest {
 protected:
  void Open(int64_t capacity = 1000) {
    cache_ = ArtifactCache::Open(faulty_, Path("cache"), capacity).value();
  }

  // Gets `bytes` through a fetch that delivers `delivered` in two pieces.
  absl::StatusOr<ArtifactCache::Pin> Get(const std::string& bytes,
                                         std::optional<std::string> delivered = {}) {
    const std::string come = delivered.value_or(bytes);
    return cache_->Get(
        Sha256Of(bytes).Hex(), [&, come](const std::string&, const ArtifactCache::Sink& sink) {
          ++fetches_;
          SHOAL_RETURN_IF_ERROR(sink(std::string_view(come).substr(0, come.size() / 2)));
          return sink(std::string_view(come).substr(come.size() / 2));
        });
  }
  size_t Files() { return files_.ListDir(Path("cache/artifacts")).value().size(); }
  bool Has(const std::string& bytes) {
    return files_.Exists(Path("cache/artifacts/" + Sha256Of(bytes).Hex()));
  }
  // As if it had been used last at `seconds`.
  void UsedAt(const std::string& path, int seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  void FileUsedAt(const std::string& bytes, int seconds) {
    UsedAt(Path("cache/artifacts/" + Sha256Of(bytes).Hex()), seconds);
  }

  FaultyFileSystem faulty_;
  std::unique_ptr<ArtifactCache> cache_;
  int fetches_ = 0;
};

TEST_F(ArtifactCacheTest, FetchesOnce) {
  Open();
  {
    ASSERT_OK_AND_ASSIGN(const ArtifactCache::Pin first, Get("data"));
    EXPECT_THAT(files_.ReadFile(first.path()), IsOkAndHolds("data"));
    ASSERT_OK(Get("data"));
  }
  Open();
  ASSERT_OK(Get("data"));
  EXPECT_EQ(fetches_, 1);
}

TEST_F(ArtifactCacheTest, WrongBytesAreRefusedAndLeaveNothing) {
  Open();
  EXPECT_THAT(Get("data", "date"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Sha256Of("date").Hex())));
  EXPECT_EQ(Files(), 0u);
  faulty_.FailAfter(FileOperation::kAppend, 1, absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(Get("data"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(Files(), 0u);
  faulty_.Heal();
  EXPECT_OK(Get("data"));
}

TEST_F(ArtifactCacheTest, ADamagedFileIsFetchedAgain) {
  Open();
  ASSERT_OK_AND_ASSIGN(const ArtifactCache::Pin pin, Get("data"));
  ASSERT_OK(files_.WriteFileAtomic(pin.path(), "dat"));
  ASSERT_OK(Get("data"));
  EXPECT_EQ(fetches_, 2);
  EXPECT_THAT(files_.ReadFile(pin.path()), IsOkAndHolds("data"));
}

TEST_F(ArtifactCacheTest, EmptiedUnderneathItFillsAgain) {
  Open();
  ASSERT_OK(Get("data"));
  std::filesystem::remove_all(Path("cache"));
  ASSERT_OK_AND_ASSIGN(const ArtifactCache::Pin again, Get("data"));
  EXPECT_THAT(files_.ReadFile(again.path()), IsOkAndHolds("data"));
  EXPECT_EQ(fetches_, 2);
}

TEST_F(ArtifactCacheTest, UnfinishedFilesGoAtTheStart) {
  Open();
  ASSERT_OK(files_.WriteFileAtomic(Path("cache/artifacts/abc.fetch-1"), "half"));
  Open();
  EXPECT_EQ(Files(), 0u);
}

TEST_F(ArtifactCacheTest, AdoptsByLink) {
  Open();
  ASSERT_OK(files_.WriteFileAtomic(Path("checkpoint"), "weights"));
  ASSERT_OK_AND_ASSIGN(const ArtifactCache::Pin pin,
                       cache_->Adopt(Path("checkpoint"), Sha256Of("weights").Hex()));
  EXPECT_FALSE(files_.Exists(Path("checkpoint")));
  EXPECT_THAT(files_.ReadFile(pin.path()), IsOkAndHolds("weights"));
  ASSERT_OK(Get("weights"));
  EXPECT_EQ(fetches_, 0);
  EXPECT_THAT(cache_->Adopt(Path("missing"), Sha256Of("x").Hex()),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ArtifactCacheTest, TheLongestUnusedGoesFirst) {
  Open(25);
  ASSERT_OK(Get("0123456789"));
  ASSERT_OK(Get("abcdefghij"));
  FileUsedAt("0123456789", 2000);
  FileUsedAt("abcdefghij", 1000);
  ASSERT_OK(Get("ABCDEFGHIJ"));
  EXPECT_TRUE(Has("0123456789"));
  EXPECT_FALSE(Has("abcdefghij"));
  EXPECT_TRUE(Has("ABCDEFGHIJ"));
}

TEST_F(ArtifactCacheTest, WhatIsPinnedStays) {
  Open(15);
  ASSERT_OK_AND_ASSIGN(std::optional<ArtifactCache::Pin> pin, Get("0123456789"));
  FileUsedAt("0123456789", 1000);
  ASSERT_OK_AND_ASSIGN(ArtifactCache::Pin other, Get("abcdefghij"));
  EXPECT_TRUE(Has("0123456789"));
  pin.reset();
  cache_->Trim();
  EXPECT_FALSE(Has("0123456789"));
  EXPECT_TRUE(Has("abcdefghij"));
}

TEST_F(ArtifactCacheTest, ShardsCountAndGoUnlessARunnerReadsThem) {
  Open(15);
  for (const char* key : {"k1", "k2"}) {
    const std::string folder = Path(StrCat("cache/shards/", key));
    ASSERT_OK(files_.MakeDirs(folder));
    ASSERT_OK(files_.WriteFileAtomic(folder + "/train.shard", "0123456789"));
    ASSERT_OK(files_.WriteFileAtomic(folder + ".lock", ""));
    UsedAt(folder + ".lock", 1000);
  }
  const int lock = open(Path("cache/shards/k1.lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  cache_->Trim();
  EXPECT_TRUE(files_.Exists(Path("cache/shards/k1")));
  EXPECT_FALSE(files_.Exists(Path("cache/shards/k2")));
  close(lock);
}

}  // namespace
}  // namespace shoal::agent
