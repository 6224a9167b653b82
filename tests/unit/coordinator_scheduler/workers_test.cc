// Workers register, speak, begin anew, fall silent, drain, leave; leases follow.
#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(WorkersTest, ANewWorkerIsReadyAtOnce) {
  Lab lab;
  const Decision decision = lab.Register("local", 2);
  EXPECT_THAT(lab.Updates(decision), ElementsAre("worker local registered, instance first"));
  EXPECT_EQ(lab.draft.committed().FindWorkerByName("local")->state, v1::WORKER_STATE_READY);
}

TEST(WorkersTest, ARegistrationNeedsNameInstanceAndSlots) {
  Lab lab;
  EXPECT_THAT(lab.Do(lab.RegisterEvent("", 1)).answer,
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(lab.Do(lab.RegisterEvent("local", -1)).answer,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is -1")));
  EXPECT_THAT(lab.Do(lab.RegisterEvent("local", 1, "")).answer,
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(WorkersTest, TheSameProcessMayRegisterTwice) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  const WorkerId before = lab.Worker("local");
  EXPECT_THAT(lab.Updates(lab.Register("local", 1)),
              ElementsAre("worker local registered, instance first"));
  EXPECT_EQ(lab.Worker("local"), before);
  EXPECT_NE(lab.draft.committed().FindAttempt(lab.Job(1)), nullptr);
}

TEST(WorkersTest, AWorkerThatBeganAnewReleasesItsAttemptsWhenItSpeaks) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  const WorkerId id = lab.Worker("local");
  EXPECT_THAT(lab.Updates(lab.Register("local", 1, "second")),
              ElementsAre("worker local announced, instance second"));
  EXPECT_EQ(lab.Worker("local"), id) << "it keeps its id";
  EXPECT_NE(lab.draft.committed().FindAttempt(lab.Job(1)), nullptr)
      << "the process may be dead already";
  EXPECT_THAT(
      lab.Updates(lab.Sync("local", {}, "second")),
      ElementsAre(
          "attempt J1/1 RUNNING -> LOST: worker local began anew",
          "job J1 RUNNING -> QUEUED (failures 0, losses 1, stop 0): worker local began anew",
          "worker local registered, instance second", "worker local seen",
          "job J1 QUEUED -> RUNNING (failures 0, losses 1, stop 0)",
          "attempt J1/2 leased to local"));
  EXPECT_EQ(lab.Find(1)->takedowns_in_a_row, 1);
  EXPECT_THAT(lab.Sync("local", {}, "first").answer,
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("register again")));
  EXPECT_THAT(lab.Register("local", 1, "first").answer,
              StatusIs(absl::StatusCode::kAborted, HasSubstr("two names")));
}

TEST(WorkersTest, AReplacedProcessStartsNothing) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Register("local", 1, "second");
  lab.Sync("local", {}, "second");
  const Desired old = lab.DesiredOf("local", {lab.Key(1, 1)});  // its call was held open meanwhile
  EXPECT_THAT(old.start, IsEmpty());
  EXPECT_THAT(old.renewed, IsEmpty());
  ASSERT_EQ(old.stop.size(), 1U);
  EXPECT_EQ(old.stop[0].kind, Stop::Kind::kKill);
  EXPECT_THAT(lab.DesiredOf("local", {}, "second").start, ElementsAre(lab.Key(1, 2)));
}

TEST(WorkersTest, ALateRegistrationOfADeadProcessHarmsNobody) {
  Lab lab;
  lab.Register("local", 1, "second");
  lab.Submit(1);
  lab.Register("local", 1, "first");
  EXPECT_OK(lab.Sync("local", {lab.Key(1, 1)}, "second").answer);
  EXPECT_NE(lab.draft.committed().FindAttempt(lab.Job(1)), nullptr);
}

TEST(WorkersTest, AnUnknownWorkerIsToldToRegister) {
  Lab lab;
  EXPECT_THAT(
      lab.Do(WorkerSynchronized{.worker_id = WorkerId::Make(Zero(), 77), .instance_id = "first"})
          .answer,
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("register again")));
}

TEST(WorkersTest, HeldAttemptsAreRenewedAndOthersAreNot) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1);
  lab.Submit(2);
  lab.Started("local", 1, 1);
  lab.Started("local", 2, 1);
  lab.Pass(absl::Seconds(30));
  EXPECT_THAT(lab.Updates(lab.Sync("local", {lab.Key(1, 1), lab.Key(9, 1)})),
              ElementsAre("worker local seen", "lease of J1/1 renewed"));
  EXPECT_EQ(lab.draft.NextDeadline(), Zero() + absl::Seconds(65));
  lab.Pass(absl::Seconds(35));
  EXPECT_THAT(
      lab.Updates(lab.TickNow()),
      ElementsAre(
          "attempt J2/1 RUNNING -> LOST: worker local did not renew its lease of 1m",
          "job J2 RUNNING -> QUEUED (failures 0, losses 1, stop 0): worker local did not renew its "
          "lease of 1m",
          "job J2 QUEUED -> RUNNING (failures 0, losses 1, stop 0)",
          "attempt J2/2 leased to local"));
  EXPECT_EQ(lab.Find(2)->takedowns_in_a_row, 0) << "a silent worker is not a dead one";
}

TEST(WorkersTest, ALeaseLastsExactlyLeaseAndGrace) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Pass(absl::Seconds(65) - absl::Nanoseconds(1));
  EXPECT_THAT(lab.TickNow().updates, IsEmpty());
  lab.Pass(absl::Nanoseconds(1));
  EXPECT_THAT(lab.Updates(lab.TickNow()), Contains(HasSubstr("attempt J1/1 LEASED -> LOST")));
}

TEST(WorkersTest, AnOfferIsSentUntilItIsHeldAndItsLeaseCountsFromTheNewestRequest) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Pass(absl::Seconds(40));
  EXPECT_THAT(lab.Updates(lab.Sync("local")),
              ElementsAre("worker local seen", "lease of J1/1 renewed"));
  EXPECT_THAT(lab.DesiredOf("local").start, ElementsAre(lab.Key(1, 1)));
  EXPECT_EQ(lab.draft.committed().FindAttempt(lab.Job(1))->lease_expires_at,
            lab.now + absl::Seconds(65));
  EXPECT_THAT(lab.DesiredOf("local", {lab.Key(1, 1)}).start, IsEmpty());
}

TEST(WorkersTest, AnOfferThatNobodyTakesEnds) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Pass(absl::Seconds(60));
  EXPECT_THAT(lab.Updates(lab.Sync("local")), ElementsAre("worker local seen"));
  EXPECT_THAT(lab.DesiredOf("local").start, IsEmpty())
      << "its lease would outlast the coordinator's";
  lab.Pass(absl::Seconds(5));
  EXPECT_THAT(lab.Updates(lab.TickNow()), Contains(HasSubstr("LEASED -> LOST")));
}

TEST(WorkersTest, WhatIsHeldAndNotWantedIsKilled) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  const Desired desired = lab.DesiredOf("local", {lab.Key(1, 1), lab.Key(1, 7), lab.Key(8, 1)});
  EXPECT_THAT(desired.renewed, ElementsAre(lab.Key(1, 1)));
  ASSERT_EQ(desired.stop.size(), 2U);
  EXPECT_EQ(desired.stop[0].kind, Stop::Kind::kKill);
  EXPECT_FALSE(desired.empty());
  EXPECT_TRUE(lab.DesiredOf("local", {lab.Key(1, 1)}).empty());
}

TEST(WorkersTest, ASilentWorkerGoesOfflineAndComesBack) {
  Lab lab;
  lab.Register("local", 1);
  EXPECT_EQ(lab.draft.NextDeadline(), Zero() + absl::Seconds(65));
  lab.Pass(absl::Seconds(65));
  EXPECT_THAT(lab.Updates(lab.TickNow()),
              ElementsAre("worker local READY -> OFFLINE: silent for 1m"));
  EXPECT_EQ(lab.draft.NextDeadline(), absl::InfiniteFuture());
  lab.Submit(1);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
  EXPECT_THAT(lab.Updates(lab.Sync("local")),
              ElementsAre("worker local seen", "worker local OFFLINE -> READY: it speaks again",
                          "job J1 QUEUED -> RUNNING (failures 0, losses 0, stop 0)",
                          "attempt J1/1 leased to local"));
}

TEST(WorkersTest, ADrainingWorkerKeepsWhatItHasAndGetsNothing) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1);
  EXPECT_THAT(lab.Updates(lab.Sync("local", {lab.Key(1, 1)}, "first", true)),
              ElementsAre("worker local seen",
                          "worker local READY -> DRAINING: it shuts down: it takes no new attempts",
                          "lease of J1/1 renewed"));
  lab.Submit(2);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_QUEUED);
  EXPECT_THAT(
      lab.Updates(lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_PREEMPTED)),
      Contains("job J1 RUNNING -> QUEUED (failures 0, losses 0, stop 0): preempted on local"));
}

TEST(WorkersTest, AWorkerThatShutsDownIsOfflineOnceItHoldsNothing) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  const auto state = [&] { return lab.draft.committed().FindWorkerByName("local")->state; };
  lab.Sync("local", {}, "first", /*draining=*/true);
  EXPECT_EQ(state(), v1::WORKER_STATE_DRAINING) << "what is leased to it is on its way";
  lab.Started("local", 1, 1);
  lab.Sync("local", {lab.Key(1, 1)}, "first", /*draining=*/true);
  EXPECT_EQ(state(), v1::WORKER_STATE_DRAINING);
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_THAT(lab.Updates(lab.Sync("local", {}, "first", /*draining=*/true)),
              Contains("worker local DRAINING -> OFFLINE: it has shut down"));
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
  EXPECT_THAT(lab.Updates(lab.Sync("local", {}, "first", /*draining=*/true)),
              ElementsAre("worker local seen"));  // no news
}

TEST(WorkersTest, AWorkerThatLeavesReleasesItsAttempts) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  EXPECT_THAT(
      lab.Updates(lab.Do(
          WorkerLeft{.worker_id = lab.Worker("local"), .instance_id = "first", .reason = "down"})),
      ElementsAre(
          "worker local READY -> OFFLINE: worker local left: down",
          "attempt J1/1 RUNNING -> LOST: worker local left: down",
          "job J1 RUNNING -> QUEUED (failures 0, losses 1, stop 0): worker local left: down"));
  EXPECT_EQ(lab.Find(1)->takedowns_in_a_row, 0);
}

TEST(WorkersTest, ARestartedCoordinatorHonoursLeasesAnewAndWaitsForWorkersToSpeak) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  lab.draft = Draft(lab.config, State(lab.draft.committed().Image()));
  lab.Pass(absl::Hours(3));
  EXPECT_THAT(lab.Updates(lab.Do(CoordinatorStarted{})),
              ElementsAre("lease of J1/1 renewed", "worker local seen"));
  EXPECT_EQ(lab.draft.NextDeadline(), lab.now + absl::Seconds(65));
  lab.Submit(2);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_QUEUED) << "the worker may be gone";
  EXPECT_THAT(lab.Updates(lab.Sync("local", {lab.Key(1, 1)})),
              Contains("attempt J2/1 leased to local"));
}

TEST(WorkersTest, ARestartCutsBackoffsThatTheWallClockMadeLong) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_INFRASTRUCTURE);
  lab.draft = Draft(lab.config, State(lab.draft.committed().Image()));
  lab.now -= absl::Hours(5);
  lab.Do(CoordinatorStarted{});
  EXPECT_EQ(lab.Find(1)->not_before, lab.now + lab.config.retry_backoff_max);
}

TEST(WorkersTest, TimeThatGoesBackStandsStill) {
  Lab lab;
  lab.Register("local", 1);
  lab.now -= absl::Hours(1);
  lab.Submit(1);
  EXPECT_EQ(lab.draft.committed().FindAttempt(lab.Job(1))->leased_at, Zero());
}

}  // namespace
}  // namespace shoal::scheduler
