#include "cli/lab/embedded.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/lab/follow.h"
#include "cli/lab/lab.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class EmbeddedTest : public TempDirTest {};

// Sets a variable of the environment, and sets it back.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name); old != nullptr) old_ = old;
    value == nullptr ? unsetenv(name) : setenv(name, value, 1);
  }
  ~ScopedVariable() { old_.has_value() ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* const name_;
  std::optional<std::string> old_;
};

TEST_F(EmbeddedTest, TheDataFolderIsTheFirstThatIsNamed) {
  const ScopedVariable shoal("SHOAL_HOME", "/a");
  const ScopedVariable xdg("XDG_DATA_HOME", "/b");
  const ScopedVariable home("HOME", "/c");
  EXPECT_EQ(DefaultDataDir(), "/a");
  const ScopedVariable no_shoal("SHOAL_HOME", "");
  EXPECT_EQ(DefaultDataDir(), "/b/shoal");
  const ScopedVariable no_xdg("XDG_DATA_HOME", nullptr);
  EXPECT_EQ(DefaultDataDir(), "/c/.local/share/shoal");
}

TEST_F(EmbeddedTest, WithoutHomeTheUserDatabaseKnows) {
  const ScopedVariable shoal("SHOAL_HOME", nullptr);
  const ScopedVariable xdg("XDG_DATA_HOME", nullptr);
  const ScopedVariable home("HOME", nullptr);
  const passwd* user = getpwuid(geteuid());
  EXPECT_EQ(DefaultDataDir(), user == nullptr ? "" : JoinPath(user->pw_dir, ".local/share/shoal"));
}

TEST_F(EmbeddedTest, AFolderThatCannotBeUsedIsRefusedAtOnce) {
  const SystemClock clock;
  LabOptions options;
  options.clock = &clock;
  const auto refused = [&](const std::string& folder, const std::string& why) {
    options.data_dir = folder;
    EXPECT_THAT(Lab::Connect(options).status(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(why), HasSubstr("SHOAL_HOME"), HasSubstr("--data-dir"))));
  };
  refused("", "no home folder");
  refused("/proc/no/such", "/proc/no");
  refused(dir() + "/" + std::string(100, 'x'), "too long");
  ASSERT_OK(files_.WriteFileAtomic(Path("file"), ""));
  refused(Path("file"), "cannot be used");
  EXPECT_OK(CheckDataDir("/" + std::string(107 - sizeof("//run/lab.sock") + 1, 'x')));
  EXPECT_THAT(CheckDataDir("/" + std::string(108 - sizeof("//run/lab.sock") + 1, 'x')),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EmbeddedTest, ALockTellsWhoHoldsIt) {
  const std::string path = Path("x.lock");
  EXPECT_EQ(LockHolder(path), std::nullopt);  // no such file
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(write(file, "4711\n", 5), 5);
  EXPECT_EQ(LockHolder(path), std::nullopt);  // of a process that died
  ASSERT_EQ(flock(file, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(LockHolder(path), std::optional<pid_t>(4711));
  ASSERT_EQ(ftruncate(file, 0), 0);
  EXPECT_EQ(LockHolder(path), std::optional<pid_t>(0));  // taken, not yet signed
  close(file);
  EXPECT_EQ(LockHolder(path), std::nullopt);
}

TEST_F(EmbeddedTest, NoLabRunsInAnEmptyFolder) {
  const SystemClock clock;
  EXPECT_FALSE(EmbeddedLabRuns(dir()));
  EXPECT_OK(StopEmbeddedLab(dir(), absl::Seconds(1), clock));
  LabOptions options;
  options.clock = &clock;
  options.data_dir = dir();
  options.start = false;
  EXPECT_THAT(
      Lab::Connect(options).status(),
      StatusIs(absl::StatusCode::kUnavailable, AllOf(HasSubstr(dir()), HasSubstr("shoal up"))));
}

TEST_F(EmbeddedTest, ALabThatDoesNotAnswerIsUnavailable) {
  const SystemClock clock;
  LabOptions options;
  options.clock = &clock;
  options.address = StrCat("unix:", Path("no.sock"));
  EXPECT_THAT(Lab::Connect(options).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no.sock")));
}

TEST_F(EmbeddedTest, AnAddressIsNoWayIntoALab) {
  const SystemClock clock;
  LabOptions options;
  options.clock = &clock;
  options.address = "127.0.0.1:1";
  EXPECT_THAT(Lab::Connect(options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("join file")));
  options.address = Path("no.join");
  EXPECT_THAT(Lab::Connect(options).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no.join")));
}

TEST(IsFinal, IsTrueOfEndsOnly) {
  EXPECT_FALSE(IsFinal(v1::RUN_STATUS_QUEUED));
  EXPECT_FALSE(IsFinal(v1::RUN_STATUS_RUNNING));
  EXPECT_TRUE(IsFinal(v1::RUN_STATUS_SUCCEEDED));
  EXPECT_TRUE(IsFinal(v1::RUN_STATUS_FAILED));
  EXPECT_TRUE(IsFinal(v1::RUN_STATUS_CANCELLED));
  EXPECT_TRUE(IsFinal(v1::RUN_STATUS_ABORTED));
  EXPECT_EQ(StatusName(v1::RUN_STATUS_SUCCEEDED), "SUCCEEDED");
}

}  // namespace
}  // namespace shoal::cli
