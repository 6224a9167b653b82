// An installation is a folder: it works from wherever it is moved to.

#include <filesystem>

#include "core/base/strings.h"
#include "core/base/subprocess.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/processes.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Install, AMovedPrefixTrainsFromAnywhere) {
  const TempDir dir = *TempDir::Make("", "shoal-install-");
  const std::string prefix = dir.File("prefix"), moved = dir.File("moved away");
  SubprocessOptions cmake;
  cmake.args = {"cmake", "--install", BuildPath(""), "--prefix", prefix};
  ASSERT_OK_AND_ASSIGN(const CapturedRun install, RunAndCapture(cmake, kSafetyNet));
  ASSERT_EQ(install.exit.code, 0) << install.out << install.err;
  fs::rename(prefix, moved);
  for (const auto& entry : fs::recursive_directory_iterator(moved))
    EXPECT_FALSE(entry.is_symlink()) << entry.path() << " leads out of the installation";

  const auto shoal = [&](std::vector<std::string> arguments) {
    SubprocessOptions options;
    options.args = std::move(arguments);
    options.args.insert(options.args.begin(), moved + "/bin/shoal");
    options.environment = {{"SHOAL_HOME", dir.File("home")}, {"SHOAL_LAB", ""}};
    options.working_directory = "/";
    absl::StatusOr<CapturedRun> run = RunAndCapture(std::move(options), kSafetyNet);
    EXPECT_OK(run);
    return run.ok() ? *std::move(run) : CapturedRun();
  };
  std::vector<std::string> launch = {"launch", "tiny", "--follow"};
  for (const std::string& setting : TinySettings()) launch.push_back(setting);
  const CapturedRun trained = shoal(launch);
  EXPECT_EQ(trained.exit.code, 0) << trained.out << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("SUCCEEDED  step 40/40"));
  const CapturedRun answer = shoal({"generate", "last", "--prompt", "Hello"});
  EXPECT_EQ(answer.exit.code, 0) << answer.out << answer.err;
  EXPECT_EQ(shoal({"down"}).exit.code, 0);
}

}  // namespace
}  // namespace shoal::e2e
