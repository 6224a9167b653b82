#include "core/base/install_paths.h"

#include "core/base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

TEST(InstallPathsTest, PartsLieBesideTheProgramsFolder) {
  const InstallPaths paths = InstallPaths::OfProgram("/opt/shoal/bin/shoal-runner");
  EXPECT_EQ(paths.prefix, "/opt/shoal");
  EXPECT_EQ(paths.Program("shoal"), "/opt/shoal/bin/shoal");
  EXPECT_EQ(paths.Backend("onednn"), "/opt/shoal/lib/shoal/backends/onednn.so");
  EXPECT_EQ(paths.Share("recipes"), "/opt/shoal/share/shoal/recipes");
}

TEST(InstallPathsTest, RootIsAPrefixToo) {
  EXPECT_EQ(InstallPaths::OfProgram("/bin/shoal").Backend("mock"), "/lib/shoal/backends/mock.so");
}

TEST(InstallPathsTest, ThisTestLivesInTheBuildTree) {
  ASSERT_OK_AND_ASSIGN(const InstallPaths paths, InstallPaths::OfThisProgram());
  EXPECT_EQ(paths.bin, BuildPath("bin"));
  EXPECT_TRUE(RealFileSystem().Exists(paths.Program("core_base_test")));
}

}  // namespace
}  // namespace shoal
