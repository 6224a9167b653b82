// What ends in the middle of training, by SIGKILL or by `shoal down`, changes nothing but the time:
// the run goes on by itself, and its curves and weights are those of an undisturbed run, bit for
// bit.

#include <bit>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/processes.h"

namespace shoal::e2e {
namespace {

constexpr int64_t kSteps = 1200;
constexpr int64_t kLogEvery = 20;
constexpr int64_t kEvaluateEvery = 250;
constexpr int64_t kCheckpointEvery = 100;
constexpr int64_t kDisturbedAt = 340;  // a checkpoint and an evaluation are behind it

const std::vector<std::string>& Metrics() {
  static const auto* const kMetrics = new std::vector<std::string>{
      "train/loss", "train/grad_norm", "train/lr", "train/tokens", "held_out/loss"};
  return *kMetrics;
}

std::vector<std::string> Settings() {
  return Sets({StrCat("train.steps=", kSteps), StrCat("train.log_every=", kLogEvery),
               StrCat("evaluate.every=", kEvaluateEvery),
               StrCat("checkpoint.every=", kCheckpointEvery)});
}

struct Result {
  std::map<std::string, std::vector<std::pair<int64_t, double>>> curves;
  std::string weights;  // the last ones, bit for bit
  std::vector<std::string> samples;
};

// The tensors of a checkpoint: what follows the header, which names the run that wrote it.
std::string Tensors(const LabDriver& lab, const std::string& sha256) {
  RealFileSystem files;
  const absl::StatusOr<std::string> file = files.ReadFile(
      StrCat(lab.data_dir(), "/artifacts/", sha256.substr(0, 2), "/", sha256.substr(2)));
  EXPECT_TRUE(file.ok()) << file.status();
  if (!file.ok() || file->size() < 8) return "";
  uint64_t header_size = 0;
  std::memcpy(&header_size, file->data(), 8);
  EXPECT_LT(header_size, file->size() - 8);
  return file->substr(8 + std::min<size_t>(header_size, file->size() - 8));
}

Result ResultOf(LabDriver& lab, const std::string& run) {
  Result result;
  for (const std::string& metric : Metrics()) {
    for (const v1::MetricPoint& point : lab.Curve(run, metric)) {
      result.curves[metric].emplace_back(point.step(), point.value());
    }
  }
  const v1::RunDetail detail = lab.Show(run);
  for (const v1::Checkpoint& checkpoint : detail.checkpoints()) {
    if (checkpoint.kind() == v1::CHECKPOINT_KIND_WEIGHTS && checkpoint.step() == kSteps) {
      result.weights = Tensors(lab, checkpoint.artifact().sha256());
    }
  }
  for (const v1::Sample& sample : detail.samples()) {
    result.samples.push_back(StrCat(sample.step(), " ", sample.prompt(), " ", sample.text()));
  }
  return result;
}

class RecoveryTest : public testing::Test {
 protected:
  // Trains the run that nothing disturbs, once for all tests.
  static void SetUpTestSuite() {
    LabDriver lab;
    std::vector<std::string> arguments = Settings();
    arguments.push_back("--follow");
    const v1::Run run = lab.Launch(arguments);
    undisturbed_ = ResultOf(lab, run.run_id());
  }

  void SetUp() override {
    ASSERT_EQ(undisturbed_.curves["train/loss"].size(), static_cast<size_t>(kSteps / kLogEvery));
    ASSERT_FALSE(undisturbed_.weights.empty());
    ASSERT_EQ(lab_.Shoal({"up", "--slots", "1"}).exit.code, 0);
  }

  // Launches the same run and returns when it is in the middle.
  void LaunchAndWaitForTheMiddle(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = Settings();
    arguments.insert(arguments.end(), more.begin(), more.end());
    run_ = lab_.Launch(arguments).run_id();
    lab_.WaitForStep(run_, kDisturbedAt);
  }

  void ExpectAsUndisturbed() {
    const Result result = ResultOf(lab_, run_);
    for (const std::string& metric : Metrics()) {
      const auto& expected = undisturbed_.curves[metric];
      const auto found = result.curves.find(metric);
      ASSERT_NE(found, result.curves.end()) << metric;
      ASSERT_EQ(found->second.size(), expected.size()) << metric << ": points lost or doubled";
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(found->second[i].first, expected[i].first) << metric << ", point " << i;
        ASSERT_EQ(std::bit_cast<uint64_t>(found->second[i].second),
                  std::bit_cast<uint64_t>(expected[i].second))
            << metric << " at step " << expected[i].first << ": " << found->second[i].second
            << " is not " << expected[i].second;
      }
    }
    EXPECT_TRUE(result.weights == undisturbed_.weights) << "the weights differ";
    EXPECT_EQ(result.samples, undisturbed_.samples);
  }

  // The first attempt ended in `first`, the second went on from a checkpoint to the end.
  void ExpectTwoAttempts(v1::AttemptState first) {
    const v1::RunDetail detail = lab_.Show(run_);
    ASSERT_EQ(detail.attempts_size(), 2) << detail.ShortDebugString();
    EXPECT_EQ(detail.attempts(0).state(), first) << detail.attempts(0).ShortDebugString();
    EXPECT_EQ(detail.attempts(0).resumed_from_step(), 0);
    EXPECT_EQ(detail.attempts(1).state(), v1::ATTEMPT_STATE_SUCCEEDED);
    EXPECT_GT(detail.attempts(1).resumed_from_step(), 0);
    EXPECT_LT(detail.attempts(1).resumed_from_step(), kSteps);
  }

  LabDriver lab_;
  std::string run_;
  static inline Result undisturbed_;
};

TEST_F(RecoveryTest, TheUndisturbedRunHasOnePointForEachStepItLogs) {
  const auto& loss = undisturbed_.curves["train/loss"];
  for (size_t i = 0; i < loss.size(); ++i) {
    EXPECT_EQ(loss[i].first, static_cast<int64_t>(i + 1) * kLogEvery);
  }
  EXPECT_LT(loss.back().second, loss.front().second - 1);
  EXPECT_EQ(undisturbed_.curves["held_out/loss"].back().first, kSteps);
}

TEST_F(RecoveryTest, AKilledRunnerIsReplaced) {
  ASSERT_NO_FATAL_FAILURE(LaunchAndWaitForTheMiddle());
  const pid_t worker = lab_.WorkerPid();
  ASSERT_TRUE(KillNow(lab_.BusiestRunnerPid()));
  lab_.WaitForSuccess(run_);
  EXPECT_EQ(lab_.WorkerPid(), worker);  // it did not suffer
  ExpectTwoAttempts(v1::ATTEMPT_STATE_FAILED);
  EXPECT_THAT(lab_.Show(run_).attempts(0).message(), testing::HasSubstr("SIGKILL"));
  ExpectAsUndisturbed();
}

TEST_F(RecoveryTest, AKilledWorkerIsReplacedAndItsRunnerEnds) {
  ASSERT_NO_FATAL_FAILURE(LaunchAndWaitForTheMiddle());
  const pid_t worker = lab_.WorkerPid();
  const std::vector<pid_t> runners = ChildrenNamed(worker, "shoal-runner");
  ASSERT_FALSE(runners.empty());
  ASSERT_TRUE(KillNow(worker));
  for (const pid_t runner : runners) EXPECT_TRUE(WaitUntilGone(runner)) << "an orphan";
  lab_.WaitForSuccess(run_);
  EXPECT_NE(lab_.WorkerPid(), worker);
  ExpectTwoAttempts(v1::ATTEMPT_STATE_LOST);
  ExpectAsUndisturbed();
}

TEST_F(RecoveryTest, AKilledCoordinatorIsNotEvenNoticedByTheTraining) {
  ASSERT_NO_FATAL_FAILURE(LaunchAndWaitForTheMiddle());
  const pid_t up = lab_.UpPid(), worker = lab_.WorkerPid(), runner = lab_.BusiestRunnerPid();
  ASSERT_TRUE(KillNow(up));
  ASSERT_TRUE(IsAlive(worker));
  // Training goes on while nobody listens.
  const int64_t ticks = CpuTicks(runner);
  const SystemClock clock;
  const absl::Duration deadline = clock.Boottime() + kSafetyNet;
  while (IsAlive(runner) && CpuTicks(runner) < ticks + 50 && clock.Boottime() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_GE(CpuTicks(runner), ticks + 50);
  EXPECT_EQ(lab_.UpPid(), 0);
  lab_.WaitForSuccess(run_);  // which starts the lab again
  EXPECT_NE(lab_.UpPid(), up);
  EXPECT_EQ(lab_.WorkerPid(), worker);  // adopted
  const v1::RunDetail detail = lab_.Show(run_);
  ASSERT_EQ(detail.attempts_size(), 1) << detail.ShortDebugString();
  EXPECT_EQ(detail.attempts(0).state(), v1::ATTEMPT_STATE_SUCCEEDED);
  ExpectAsUndisturbed();
}

TEST_F(RecoveryTest, DownSavesACheckpointAndUpGoesOn) {
  // No checkpoint but the one that `down` asks for.
  ASSERT_NO_FATAL_FAILURE(LaunchAndWaitForTheMiddle({"--set", "checkpoint.every=1000000"}));
  const pid_t up = lab_.UpPid(), worker = lab_.WorkerPid();
  const CapturedRun down = lab_.Shoal({"down"});
  EXPECT_EQ(down.exit.code, 0) << down.err;
  EXPECT_FALSE(IsAlive(up));
  EXPECT_FALSE(IsAlive(worker));
  EXPECT_EQ(lab_.Shoal({"up", "--slots", "1"}).exit.code, 0);
  lab_.WaitForSuccess(run_);
  ExpectTwoAttempts(v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_GE(lab_.Show(run_).attempts(1).resumed_from_step(), kDisturbedAt);
  ExpectAsUndisturbed();
}

}  // namespace
}  // namespace shoal::e2e
