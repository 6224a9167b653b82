#include "core/base/log.h"

#include <unistd.h>

#include <thread>
#include <vector>

#include "core/base/ids.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

class LogTest : public TempDirTest {
 protected:
  void SetUp() override {
    ASSERT_OK(LogToFile(Path("log")));
    SetLogLevel(LogLevel::kInfo);
  }
  // The file goes with the folder; later lines must go elsewhere.
  void TearDown() override { EXPECT_OK(LogToFile("/dev/null")); }

  std::string Log() { return files_.ReadFile(Path("log")).value(); }
};

TEST_F(LogTest, WritesPhraseAndFields) {
  const FakeClock clock;
  const JobId job = JobId::New(clock);
  LogInfo("job leased", {"job", job}, {"attempt", 3}, {"spare", true});
  EXPECT_THAT(Log(), EndsWith(StrCat(" info    job leased job=", job, " attempt=3 spare=true\n")));
  EXPECT_THAT(Log(), testing::ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z "));
}

TEST_F(LogTest, QuotesWhatWouldBreakALine) {
  LogWarning("odd", {"a", "two words"}, {"b", "say \"x\"\n"}, {"c", ""},
             {"d", std::string_view("plain=1")}, {"e", "\x01"});
  EXPECT_THAT(
      Log(), EndsWith("odd a=\"two words\" b=\"say \\\"x\\\"\\n\" c=\"\" d=plain=1 e=\"\\x01\"\n"));
}

TEST_F(LogTest, LevelsAreFiltered) {
  LogDebug("hidden");
  SetLogLevel(LogLevel::kError);
  LogWarning("hidden too");
  LogError("shown");
  SetLogLevel(LogLevel::kDebug);
  LogDebug("shown as well");
  EXPECT_THAT(Log(), Not(HasSubstr("hidden")));
  EXPECT_THAT(Log(), HasSubstr("error   shown\n"));
  EXPECT_THAT(Log(), HasSubstr("debug   shown as well\n"));
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 50; ++i) LogInfo("line", {"thread", t}, {"i", i});
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string log = Log();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 200);
}

TEST(LogLevelTest, ParsesItsNames) {
  LogLevel level = LogLevel::kInfo;
  EXPECT_OK(ParseLogLevel("warning", level));
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_THAT(ParseLogLevel("loud", level),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'loud'")));
}

TEST(LogFileTest, UnwritableFileIsAnError) { EXPECT_FALSE(LogToFile("/proc/no/such/file").ok()); }

}  // namespace
}  // namespace shoal
