#include "core/base/subprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(30);

SubprocessOptions Shell(const std::string& script) {
  SubprocessOptions options;
  options.args = {"/bin/sh", "-c", script};
  return options;
}

TEST(SubprocessTest, ExitCodesAndSignals) {
  ASSERT_OK_AND_ASSIGN(Subprocess good, Subprocess::Start(Shell("exit 0")));
  EXPECT_TRUE(good.Wait(kLong)->ok());
  EXPECT_TRUE(good.Wait(kLong)->ok());  // the same answer again

  ASSERT_OK_AND_ASSIGN(Subprocess bad, Subprocess::Start(Shell("exit 3")));
  EXPECT_EQ(bad.Wait(kLong)->ToString(), "exited with code 3");

  ASSERT_OK_AND_ASSIGN(Subprocess killed, Subprocess::Start(Shell("kill -9 $$")));
  const ExitStatus end = *killed.Wait(kLong);
  EXPECT_FALSE(end.ok());
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_EQ(end.ToString(), "killed by signal 9 (SIGKILL)");
  EXPECT_GT(end.peak_memory_bytes, 0);
}

TEST(SubprocessTest, WaitHasADeadline) {
  ASSERT_OK_AND_ASSIGN(Subprocess sleeper, Subprocess::Start(Shell("exec sleep 100")));
  EXPECT_EQ(sleeper.Wait(absl::ZeroDuration()), std::nullopt);
  EXPECT_EQ(sleeper.Wait(absl::Milliseconds(5)), std::nullopt);
  EXPECT_OK(sleeper.Kill(SIGTERM));
  EXPECT_EQ(sleeper.Wait(kLong)->signal, SIGTERM);
  EXPECT_OK(sleeper.Kill(SIGTERM));  // harmless afterwards
}

TEST(SubprocessTest, LivingChildIsKilledWithItsObject) {
  pid_t pid = 0;
  {
    ASSERT_OK_AND_ASSIGN(const Subprocess sleeper, Subprocess::Start(Shell("exec sleep 100")));
    pid = sleeper.pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(SubprocessTest, KillGroupReachesGrandchildren) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  SubprocessOptions options = Shell("sleep 100 & wait");
  options.new_process_group = true;
  options.descriptors = {{ends[1], 3}};
  ASSERT_OK_AND_ASSIGN(Subprocess shell, Subprocess::Start(options));
  close(ends[1]);
  EXPECT_OK(shell.KillGroup(SIGKILL));
  EXPECT_TRUE(shell.Wait(kLong).has_value());
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);  // nobody holds the other end any more
  close(ends[0]);
}

TEST(SubprocessTest, MissingProgramIsNotFound) {
  SubprocessOptions options;
  EXPECT_THAT(Subprocess::Start(options), StatusIs(absl::StatusCode::kInvalidArgument));
  options.args = {"/no/such/program"};
  EXPECT_THAT(Subprocess::Start(options),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("starting /no/such/program")));
}

TEST(SubprocessTest, CapturesBothStreams) {
  ASSERT_OK_AND_ASSIGN(const CapturedRun run,
                       RunAndCapture(Shell("echo out; echo err >&2; exit 4"), kLong));
  EXPECT_EQ(run.out, "out\n");
  EXPECT_EQ(run.err, "err\n");
  EXPECT_EQ(run.exit.code, 4);
}

TEST(SubprocessTest, CapturesMoreThanAPipeHolds) {
  ASSERT_OK_AND_ASSIGN(
      const CapturedRun run,
      RunAndCapture(Shell("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); "
                          "echo 01234567890123456789012345678901234567890123456789; done"),
                    kLong));
  EXPECT_EQ(run.out.size(), 3000u * 51);
}

TEST(SubprocessTest, CaptureHasADeadline) {
  EXPECT_THAT(RunAndCapture(Shell("exec sleep 100"), absl::Milliseconds(20)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(SubprocessTest, EnvironmentIsAddedOrReplaced) {
  SubprocessOptions options = Shell("echo \"$SHOAL_A,$SHOAL_B,${HOME:+home}\"");
  ASSERT_EQ(setenv("SHOAL_B", "old", 1), 0);
  ASSERT_EQ(setenv("HOME", "/root", 0), 0);
  options.environment = {{"SHOAL_A", "1"}, {"SHOAL_B", "2"}};
  ASSERT_OK_AND_ASSIGN(CapturedRun run, RunAndCapture(options, kLong));
  EXPECT_EQ(run.out, "1,2,home\n");
  options.inherit_environment = false;
  options.environment = {{"SHOAL_A", "1"}};
  ASSERT_OK_AND_ASSIGN(run, RunAndCapture(options, kLong));
  EXPECT_EQ(run.out, "1,,\n");
}

TEST(SubprocessTest, StdinIsEmptyAndOtherDescriptorsAreClosed) {
  const int open_without_cloexec = open("/dev/null", O_RDONLY);
  ASSERT_GE(open_without_cloexec, 0);
  SubprocessOptions options = Shell("cat; ls /proc/self/fd | tr '\\n' ' '");
  options.descriptors = {{open_without_cloexec, 5}};
  ASSERT_OK_AND_ASSIGN(const CapturedRun run, RunAndCapture(options, kLong));
  close(open_without_cloexec);
  EXPECT_EQ(run.out, "0 1 2 3 5 ");  // 3 is the folder that ls reads
}

TEST(SubprocessTest, MapsASocketBothWays) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  SubprocessOptions options = Shell("read line <&3; echo \"got $line\" >&3");
  options.descriptors = {{pair[1], 3}};
  ASSERT_OK_AND_ASSIGN(Subprocess child, Subprocess::Start(options));
  close(pair[1]);
  ASSERT_EQ(write(pair[0], "hello\n", 6), 6);
  EXPECT_TRUE(child.Wait(kLong)->ok());
  char buffer[64] = {};
  EXPECT_EQ(read(pair[0], buffer, sizeof buffer), 10);
  EXPECT_STREQ(buffer, "got hello\n");
  close(pair[0]);
}

TEST(SubprocessTest, SwapsDescriptorsThatOverlap) {
  int a[2];
  int b[2];
  ASSERT_EQ(pipe2(a, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(b, O_CLOEXEC), 0);
  SubprocessOptions options = Shell(StrCat("echo to-a >&", b[1], "; echo to-b >&", a[1]));
  options.descriptors = {{a[1], b[1]}, {b[1], a[1]}};  // each under the other's number
  ASSERT_OK_AND_ASSIGN(Subprocess child, Subprocess::Start(options));
  const std::optional<ExitStatus> end = child.Wait(kLong);
  ASSERT_TRUE(end.has_value());
  if (a[1] < 10 && b[1] < 10) {  // sh knows one-digit descriptors only
    EXPECT_TRUE(end->ok());
    char buffer[16] = {};
    EXPECT_EQ(read(a[0], buffer, sizeof buffer), 5);
    EXPECT_STREQ(buffer, "to-a\n");
  }
  for (int fd : {a[0], a[1], b[0], b[1]}) close(fd);
}

TEST(SubprocessTest, TwoDescriptorsForOneNumberAreRefused) {
  SubprocessOptions options = Shell("true");
  options.descriptors = {{0, 5}, {1, 5}};
  EXPECT_THAT(Subprocess::Start(options), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(SubprocessTest, WorkingDirectory) {
  SubprocessOptions options = Shell("pwd");
  options.working_directory = "/usr";
  ASSERT_OK_AND_ASSIGN(const CapturedRun run, RunAndCapture(options, kLong));
  EXPECT_EQ(run.out, "/usr\n");
  options.working_directory = "/no/such/folder";
  EXPECT_THAT(Subprocess::Start(options),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("in /no/such/folder")));
}

TEST(SubprocessTest, DetachedChildLivesOn) {
  pid_t pid = 0;
  {
    ASSERT_OK_AND_ASSIGN(Subprocess sleeper, Subprocess::Start(Shell("exec sleep 100")));
    pid = sleeper.Detach();
  }
  EXPECT_EQ(kill(pid, 0), 0);
  EXPECT_EQ(kill(pid, SIGKILL), 0);
}

}  // namespace
}  // namespace shoal
