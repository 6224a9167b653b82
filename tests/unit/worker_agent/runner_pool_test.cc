#include <signal.h>

#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "worker/agent/process_watch.h"
#include "worker/agent/runner_process.h"

namespace shoal::agent {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RunnerPoolTest : public TempDirTest {
 protected:
  const std::string program_ = BuildPath("bin/shoal-runner");
};

TEST_F(RunnerPoolTest, GivesWarmRunnersAndReplacesThem) {
  RunnerPool pool(program_, dir());
  ASSERT_OK_AND_ASSIGN(const auto first, pool.Take(absl::Seconds(60)));
  ASSERT_OK_AND_ASSIGN(const auto second, pool.Take(absl::Seconds(60)));
  EXPECT_NE(first->pid(), second->pid());
  EXPECT_GT(ResidentBytes(first->pid()), 1 << 20);
  EXPECT_FALSE(first->WaitReadable(absl::ZeroDuration())) << "it waits for orders";
}

TEST_F(RunnerPoolTest, SaysWhyThereIsNoRunner) {
  RunnerPool missing(Path("none"), dir());
  EXPECT_THAT(missing.Take(absl::Seconds(60)),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  RunnerPool broken("/bin/false", dir());
  EXPECT_THAT(broken.Take(absl::Seconds(60)),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("exited with code 1")));
}

TEST_F(RunnerPoolTest, ShutdownEndsWaiting) {
  RunnerPool pool(program_, dir());
  pool.Shutdown();
  EXPECT_THAT(pool.Take(absl::Seconds(60)), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(RunnerPoolTest, Probes) {
  ASSERT_OK_AND_ASSIGN(const v1::Capabilities capabilities,
                       ProbeBackends(program_, Path("probe.log")));
  EXPECT_THAT(capabilities.backends(), Not(IsEmpty()));
  EXPECT_GT(capabilities.host().cores(), 0);
}

TEST_F(RunnerPoolTest, TheLogMovesWithTheRunner) {
  ASSERT_OK_AND_ASSIGN(const auto runner,
                       RunnerProcess::Start(program_, Path("a.log"), absl::Seconds(60)));
  ASSERT_OK(runner->MoveLog(Path("b.log")));
  v1::RunnerFrame wrong;
  wrong.mutable_cancel();
  ASSERT_OK(runner->channel().Send(wrong));  // neither start nor probe: it complains and ends
  ASSERT_TRUE(runner->process().Wait(absl::Seconds(60)).has_value());
  EXPECT_THAT(runner->LogTail(), HasSubstr("neither start nor probe"));
  EXPECT_TRUE(files_.Exists(Path("b.log")));
}

}  // namespace
}  // namespace shoal::agent
