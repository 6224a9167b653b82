#include "core/base/build_info.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal {
namespace {

TEST(BuildInfoTest, SaysVersionCommitAndCompiler) {
  const BuildInfo& build = ThisBuild();
  EXPECT_THAT(std::string(build.version), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_THAT(std::string(build.commit), testing::MatchesRegex("unknown|[0-9a-f]{12,}(-dirty)?"));
  EXPECT_FALSE(build.compiler.empty());
  EXPECT_FALSE(build.type.empty());
  EXPECT_THAT(build.ToString(), testing::HasSubstr(std::string(build.commit)));
}

}  // namespace
}  // namespace shoal
