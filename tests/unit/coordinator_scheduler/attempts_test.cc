// The fence, and what a report changes.
#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Running : Lab {
  Running() {
    Register("local", 1);
    Submit(1);
  }
};

TEST(AttemptsTest, TheFirstStartFixesTheNumericsClass) {
  Running lab;
  const Decision decision = lab.Started("local", 1, 1);
  EXPECT_OK(decision.answer);
  EXPECT_EQ(decision.actor, "worker:local");
  EXPECT_THAT(lab.Updates(decision),
              ElementsAre("job J1 RUNNING -> RUNNING (failures 0, losses 0, stop 0)",
                          "attempt J1/1 LEASED -> RUNNING"));
  EXPECT_THAT(lab.Effects(decision), ElementsAre("notify R1"));
  EXPECT_EQ(lab.Find(1)->numerics->backend(), "onednn");
}

TEST(AttemptsTest, ALaterStartInAnotherClassIsRefusedAndTriedElsewhere) {
  Running lab;
  lab.Started("local", 1, 1);
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_PREEMPTED);
  AttemptReported event = lab.ReportEvent("local", 1, 2);
  event.started.emplace();
  event.started->numerics.set_backend("reference");
  const Decision decision = lab.Do(event);
  EXPECT_THAT(decision.answer,
              StatusIs(absl::StatusCode::kAborted, HasSubstr("the job is in class onednn")));
  EXPECT_THAT(
      lab.Updates(decision),
      Contains(HasSubstr("attempt J1/2 LEASED -> FAILED: would compute in class reference")));
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
  EXPECT_EQ(lab.Find(1)->failures, 1);
}

TEST(AttemptsTest, AReportOfPointsOnlyPassesAndWritesNothing) {
  Running lab;
  const Decision decision = lab.Do(lab.ReportEvent("local", 1, 1));
  EXPECT_OK(decision.answer);
  EXPECT_THAT(decision.updates, IsEmpty());
}

TEST(AttemptsTest, CheckpointsAreAcceptedAndForgiveCrashes) {
  Running lab;
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_BACKEND_CRASH);
  lab.Pass(absl::Seconds(3));
  lab.TickNow();
  EXPECT_EQ(lab.Find(1)->crashes_in_a_row, 1);
  EXPECT_THAT(lab.Updates(lab.Checkpoint("local", 1, 2, 200)),
              ElementsAre("attempt J1/2 checkpoint at step 200",
                          "job J1 RUNNING -> RUNNING (failures 1, losses 0, stop 0)"));
  EXPECT_EQ(lab.Find(1)->crashes_in_a_row, 0);
  EXPECT_EQ(lab.Find(1)->checkpoint_step, 200);
}

TEST(AttemptsTest, ReportsOfStaleAttemptsAreRefusedAndCounted) {
  Running lab;
  lab.Started("local", 1, 1);
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_PREEMPTED);
  const StateImage before = lab.draft.committed().Image();
  for (const int attempt : {1, 3}) {
    const Decision decision = lab.Finished("local", 1, attempt, v1::ATTEMPT_STATE_SUCCEEDED);
    EXPECT_THAT(decision.answer,
                StatusIs(absl::StatusCode::kAborted, HasSubstr("the job is at attempt 2")));
    EXPECT_THAT(lab.Updates(decision), ElementsAre(StrCat("refused a report of J1/", attempt,
                                                          ": the job is at attempt 2")));
  }
  EXPECT_THAT(lab.Checkpoint("local", 1, 1, 7).answer, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(lab.draft.committed().refused_stale_reports(), 3);
  StateImage after = lab.draft.committed().Image();
  after.refused_stale_reports = 0;
  EXPECT_EQ(Difference(before, after), "") << "nothing but the count has changed";
}

TEST(AttemptsTest, OnlyTheProcessThatHasTheLeaseMayReport) {
  Running lab;
  lab.Register("other", 1);
  EXPECT_THAT(lab.Do(lab.ReportEvent("other", 1, 1)).answer, StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(lab.Do(lab.ReportEvent("local", 1, 1, "older")).answer,
              StatusIs(absl::StatusCode::kAborted));
}

TEST(AttemptsTest, AFinishedJobIsOverForLateReports) {
  Running lab;
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_SUCCEEDED);
  EXPECT_THAT(lab.Do(lab.ReportEvent("local", 1, 1)).answer,
              StatusIs(absl::StatusCode::kAborted, HasSubstr("the job is over")));
}

TEST(AttemptsTest, AnAttemptCannotReportThatItWasLost) {
  Running lab;
  const Decision decision = lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_LOST);
  EXPECT_THAT(decision.answer, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("LOST")));
  EXPECT_THAT(decision.updates, IsEmpty());
}

TEST(AttemptsTest, AFreedSlotGoesToTheNextJobInTheSameDecision) {
  Running lab;
  lab.Submit(2);
  EXPECT_EQ(lab.Why(2), "waits for a free slot (1 of 1 in use); it is first in the queue");
  EXPECT_THAT(lab.Updates(lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_SUCCEEDED)),
              ElementsAre("attempt J1/1 LEASED -> SUCCEEDED: said the worker",
                          "job J1 RUNNING -> SUCCEEDED (failures 0, losses 0, stop 0)",
                          "job J2 QUEUED -> RUNNING (failures 0, losses 0, stop 0)",
                          "attempt J2/1 leased to local"));
}

TEST(AttemptsTest, AFailedAttemptIsTriedAgainAfterItsBackoff) {
  Running lab;
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_INFRASTRUCTURE);
  EXPECT_EQ(lab.Find(1)->state_reason,
            "INFRASTRUCTURE on local: said the worker; try 1 of 3 failed");
  EXPECT_THAT(lab.Why(1), HasSubstr("tried again in 2s"));
  EXPECT_EQ(lab.draft.NextDeadline(), lab.now + absl::Seconds(2));
  lab.Pass(absl::Seconds(1));
  EXPECT_THAT(lab.TickNow().updates, IsEmpty());
  lab.Pass(absl::Seconds(1));
  EXPECT_THAT(lab.Updates(lab.TickNow()), Contains("attempt J1/2 leased to local"));
}

TEST(AttemptsTest, ABackoffMissedByAFailedTransactionIsDueAgain) {
  Running lab;
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_INFRASTRUCTURE);
  lab.Pass(absl::Seconds(2));
  EXPECT_FALSE(lab.draft.Decide(Tick{}, lab.now).updates.empty());
  lab.draft.RollBack();
  EXPECT_LE(lab.draft.NextDeadline(), lab.now);
}

}  // namespace
}  // namespace shoal::scheduler
