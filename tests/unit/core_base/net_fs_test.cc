#include "core/base/net_fs.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using net_fs_internal::Classify;

TEST(NetFsTest, ClassifiesByMagicAndMountType) {
  EXPECT_EQ(Classify(0x6969, "nfs4"), "nfs");
  EXPECT_EQ(Classify(0xFE534D42, "cifs"), "smb2");
  EXPECT_EQ(Classify(0x65735546, "fuse.sshfs"), "fuse.sshfs");
  EXPECT_EQ(Classify(0x65735546, "fuse.ntfs-3g"), "");
  EXPECT_EQ(Classify(0xEF53, "ext4"), "");
  EXPECT_EQ(Classify(0x01021994, "tmpfs"), "");
}

TEST(NetFsTest, KernelFileSystemsAreLocal) {
  EXPECT_THAT(NetworkFileSystemOf("/proc"), IsOkAndHolds(""));
  EXPECT_OK(CheckLocalFileSystem("/proc"));
}

TEST(NetFsTest, MissingPathIsJudgedByItsParent) {
  EXPECT_THAT(NetworkFileSystemOf("/proc/sys/not/there/yet"), IsOkAndHolds(""));
  EXPECT_THAT(NetworkFileSystemOf("not-there-either"), IsOk());
}

}  // namespace
}  // namespace shoal
