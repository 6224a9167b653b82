// What a person does to runs that are there: pause, resume, retry, cancel.

#include <bit>
#include <chrono>
#include <thread>

#include "core/base/clock.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/lab_driver.h"
#include "tests/e2e/processes.h"
#include "tests/support/paths.h"

namespace shoal::e2e {
namespace {

using google::protobuf::Struct;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A lab with one slot.
class ControlTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(lab_.Shoal({"up", "--slots", "1"}).exit.code, 0); }

  // A sweep called `depth` that pretends to train; its runs, in the order of its trials.
  std::vector<v1::Run> Sweep(const std::string& varied, const std::vector<std::string>& settings) {
    std::vector<std::string> arguments = {"sweep", "tiny", "--name", "depth", "--vary", varied};
    for (const std::string& setting : TinySettings()) arguments.push_back(setting);
    for (const std::string& setting : Sets({"resources.backend=mock", "evaluate.max_examples=5"}))
      arguments.push_back(setting);
    for (const std::string& setting : Sets(settings)) arguments.push_back(setting);
    return Members<v1::Run>(lab_.Json(arguments), "runs");
  }
  // Names of the runs in a list of a reply.
  static std::vector<std::string> Names(const Struct& reply, const std::string& list) {
    std::vector<std::string> names;
    for (const v1::Run& run : Members<v1::Run>(reply, list)) names.push_back(run.name());
    return names;
  }
  v1::Run RunOf(const std::string& run) { return lab_.Show(run).run(); }
  void WaitForStatus(const std::string& run, v1::RunStatus status) {
    const SystemClock clock;
    const absl::Duration deadline = clock.Boottime() + kSafetyNet;
    while (RunOf(run).status() != status) {
      ASSERT_LT(clock.Boottime(), deadline) << RunOf(run).ShortDebugString();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  LabDriver lab_;
};

TEST_F(ControlTest, APausedRunFreesItsSlotAndGoesOnAsIfNothingHadBeen) {
  std::vector<std::string> settings =
      Sets({"train.steps=800", "train.log_every=20", "evaluate.every=400",
            "evaluate.max_examples=20", "checkpoint.every=1000000"});
  settings.push_back("--no-reuse");
  const std::string run = lab_.Launch(settings).run_id();
  ASSERT_NO_FATAL_FAILURE(lab_.WaitForStep(run, 100));
  const Struct pause = lab_.Json({"pause", run});
  ASSERT_EQ(Members<v1::Run>(pause, "paused").size(), 1u);
  ASSERT_NO_FATAL_FAILURE(WaitForStatus(run, v1::RUN_STATUS_PAUSED));
  const v1::Run paused = RunOf(run);
  EXPECT_GE(paused.step(), 100);
  EXPECT_LT(paused.step(), 800);
  EXPECT_THAT(paused.status_reason(),
              AllOf(HasSubstr("paused by user:"), HasSubstr(StrCat("step ", paused.step()))));
  EXPECT_EQ(Names(lab_.Json({"pause", run}), "unchanged"), std::vector{paused.name()});

  // Its slot is free, and it stays where it is.
  settings.push_back("--follow");
  const v1::Run undisturbed = lab_.Launch(settings);
  EXPECT_EQ(undisturbed.status(), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(RunOf(run).status(), v1::RUN_STATUS_PAUSED);
  EXPECT_EQ(RunOf(run).step(), paused.step());

  EXPECT_EQ(Members<v1::Run>(lab_.Json({"resume", run}), "resumed").size(), 1u);
  lab_.WaitForSuccess(run);
  const v1::RunDetail detail = lab_.Show(run);
  ASSERT_EQ(detail.attempts_size(), 2) << detail.ShortDebugString();
  EXPECT_EQ(detail.attempts(0).state(), v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_EQ(detail.attempts(1).resumed_from_step(), paused.step());
  for (const char* metric : {"train/loss", "train/tokens", "held_out/loss"}) {
    const std::vector<v1::MetricPoint> found = lab_.Curve(run, metric);
    const std::vector<v1::MetricPoint> expected = lab_.Curve(undisturbed.run_id(), metric);
    ASSERT_GT(expected.size(), 2u) << metric;
    ASSERT_EQ(found.size(), expected.size()) << metric << ": points lost or doubled";
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].step(), expected[i].step()) << metric;
      ASSERT_EQ(std::bit_cast<uint64_t>(found[i].value()),
                std::bit_cast<uint64_t>(expected[i].value()))
          << metric << " at step " << expected[i].step();
    }
  }
  const CapturedRun again = lab_.Shoal({"resume", run});
  EXPECT_EQ(again.exit.code, 0);
  EXPECT_THAT(again.out, AllOf(HasSubstr("0 runs resumed"), HasSubstr("had ended before")));
}

TEST_F(ControlTest, ASweepIsPausedAndResumedByItsName) {
  const std::vector<v1::Run> runs = Sweep("seed=1..4", {"resources.backend_options=step_ms=20"});
  ASSERT_EQ(runs.size(), 4u);
  ASSERT_NO_FATAL_FAILURE(lab_.WaitForStep(runs[0].run_id(), 5));
  // One that waits alone first: the others are not held up by it.
  const CapturedRun one = lab_.Shoal({"pause", "depth:2"});
  EXPECT_THAT(one.out, AllOf(HasSubstr(StrCat(runs[1].name(), "  paused at step 0 of 40")),
                             HasSubstr("`shoal resume depth:2` lets it go on")));
  EXPECT_EQ(RunOf(runs[1].run_id()).status(), v1::RUN_STATUS_PAUSED);

  const CapturedRun all = lab_.Shoal({"pause", "depth"});
  EXPECT_EQ(all.exit.code, 0) << all.err;
  EXPECT_THAT(all.out, AllOf(HasSubstr("3 runs paused"),
                             HasSubstr(StrCat("left alone: ", runs[1].name(), " (is paused al")),
                             HasSubstr("`shoal resume depth` lets them go on")));
  for (const v1::Run& run : runs)
    ASSERT_NO_FATAL_FAILURE(WaitForStatus(run.run_id(), v1::RUN_STATUS_PAUSED));
  EXPECT_THAT(Names(lab_.Json({"list", "--status", "paused"}), "runs"), testing::SizeIs(4));

  EXPECT_THAT(Names(lab_.Json({"resume", "depth"}), "resumed"), testing::SizeIs(4));
  EXPECT_EQ(lab_.Shoal({"wait", "depth"}).exit.code, 0);
  for (const v1::Run& run : runs) EXPECT_EQ(RunOf(run.run_id()).step(), 40) << run.name();

  // A job's id does as well as its run's, also after the lab began anew.
  const std::string job = lab_.Show(runs[2].run_id()).jobs(0).job_id();
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(lab_.Show(job).run().run_id(), runs[2].run_id());
    EXPECT_THAT(lab_.Shoal({"pause", job}).out, HasSubstr(runs[2].name()));
    EXPECT_THAT(lab_.Shoal({"resume", job.substr(0, job.size() - 1)}).out,
                HasSubstr(runs[2].name()));
    EXPECT_THAT(lab_.Shoal({"cancel", job}).out, HasSubstr(runs[2].name()));
    EXPECT_THAT(lab_.Shoal({"retry", job}).out, HasSubstr(runs[2].name()));
    EXPECT_EQ(lab_.Shoal({"logs", job}).exit.code, 0);
    EXPECT_EQ(lab_.Shoal({"wait", job}).exit.code, 0);
    if (round == 1) break;
    EXPECT_EQ(lab_.Shoal({"down"}).exit.code, 0);
    EXPECT_EQ(lab_.Shoal({"up"}).exit.code, 0);
  }
}

TEST_F(ControlTest, RetryTakesWhatFailedAndOnlyWhenAskedWhatWasCancelled) {
  const std::string a = lab_.data_dir() + "/a", b = lab_.data_dir() + "/b";
  const std::vector<v1::Run> runs = Sweep(StrCat("resources.backend_options=nan@25; once=", a,
                                                 ",nan@25; once=", b, ",step_ms=40,step_ms=1"),
                                          {});
  ASSERT_EQ(runs.size(), 4u);
  ASSERT_NO_FATAL_FAILURE(lab_.WaitForStep(runs[2].run_id(), 15));
  EXPECT_THAT(Names(lab_.Json({"cancel", "depth:3"}), "cancelled"), ElementsAre(runs[2].name()));
  EXPECT_EQ(lab_.Shoal({"wait", "depth"}).exit.code, 3);
  EXPECT_EQ(RunOf(runs[0].run_id()).status(), v1::RUN_STATUS_FAILED);
  EXPECT_EQ(RunOf(runs[1].run_id()).status(), v1::RUN_STATUS_FAILED);
  EXPECT_EQ(RunOf(runs[2].run_id()).status(), v1::RUN_STATUS_CANCELLED);
  EXPECT_EQ(RunOf(runs[3].run_id()).status(), v1::RUN_STATUS_SUCCEEDED);

  const Struct failed = lab_.Json({"retry", "--failed", "depth"});
  EXPECT_THAT(Names(failed, "retried"), ElementsAre(runs[0].name(), runs[1].name()));
  EXPECT_THAT(Names(failed, "unchanged"), ElementsAre(runs[2].name(), runs[3].name()));
  EXPECT_EQ(lab_.Shoal({"wait", "depth:1-2"}).exit.code, 0);
  const CapturedRun rest = lab_.Shoal({"retry", "depth"});
  EXPECT_THAT(rest.out, AllOf(HasSubstr(runs[2].name()), HasSubstr("(has succeeded)")));
  EXPECT_EQ(lab_.Shoal({"wait", "depth"}).exit.code, 0);
  for (const int i : {0, 1, 2}) {
    const v1::RunDetail detail = lab_.Show(runs[static_cast<size_t>(i)].run_id());
    ASSERT_EQ(detail.attempts_size(), 2) << detail.run().name();
    EXPECT_GE(detail.attempts(1).resumed_from_step(), 10) << "the checkpoint was not used";
    EXPECT_EQ(detail.run().step(), 40);
  }
  EXPECT_THAT(Names(lab_.Json({"retry", "depth"}), "retried"), IsEmpty());
}

TEST_F(ControlTest, CancelTakesASelectorAndLeavesTheOthers) {
  const std::vector<v1::Run> runs = Sweep("seed=1..4", {"resources.backend_options=step_ms=10"});
  ASSERT_EQ(runs.size(), 4u);
  const CapturedRun cancel =
      lab_.Shoal({"cancel", "depth:2-3", runs[3].name(), "--reason", "wrong data"});
  EXPECT_EQ(cancel.exit.code, 0) << cancel.err;
  EXPECT_THAT(cancel.out, HasSubstr("3 runs cancelled"));
  EXPECT_EQ(lab_.Shoal({"wait", "depth:1"}).exit.code, 0);
  EXPECT_THAT(Names(lab_.Json({"list", "--status", "cancelled"}), "runs"),
              ElementsAre(runs[3].name(), runs[2].name(), runs[1].name()));
  EXPECT_THAT(RunOf(runs[1].run_id()).status_reason(), HasSubstr("wrong data"));
  EXPECT_THAT(lab_.Shoal({"list"}).out, HasSubstr("wrong data"));
  EXPECT_THAT(lab_.Shoal({"cancel", "all"}).out,
              AllOf(HasSubstr("0 runs cancelled"), HasSubstr("had ended before: SUCCEEDED"),
                    HasSubstr("had ended before: CANCELLED")));
  EXPECT_EQ(lab_.Shoal({"cancel", "depth:5"}).exit.code, 2);
}

TEST_F(ControlTest, ARunningRunThatIsCancelledStops) {
  const std::vector<v1::Run> runs = Sweep("seed=1,2", {"resources.backend_options=step_ms=200"});
  ASSERT_NO_FATAL_FAILURE(lab_.WaitForStep(runs[0].run_id(), 5));
  EXPECT_THAT(Names(lab_.Json({"cancel", runs[0].name()}), "cancelled"),
              ElementsAre(runs[0].name()));
  ASSERT_NO_FATAL_FAILURE(WaitForStatus(runs[0].run_id(), v1::RUN_STATUS_CANCELLED));
  EXPECT_LT(RunOf(runs[0].run_id()).step(), 40);
  ASSERT_NO_FATAL_FAILURE(lab_.WaitForStep(runs[1].run_id(), 5));  // which has the slot now
  EXPECT_THAT(Names(lab_.Json({"cancel", "all"}), "cancelled"), ElementsAre(runs[1].name()));
  EXPECT_EQ(lab_.Shoal({"wait", "depth"}).exit.code, 3);
}

}  // namespace
}  // namespace shoal::e2e
