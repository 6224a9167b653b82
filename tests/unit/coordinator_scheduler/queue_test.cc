// Submits, cancels, serve jobs: exactly what each event writes and causes.
#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(QueueTest, ASubmittedRunWaitsWhenThereIsNoWorker) {
  Lab lab;
  const Decision decision = lab.Submit(1);
  EXPECT_OK(decision.answer);
  EXPECT_EQ(decision.actor, "user:ada");
  EXPECT_THAT(lab.Updates(decision), ElementsAre("request request-1 recorded", "run run1 R1 added",
                                                 "job J1 of run1 added, 1 slots, place 1"));
  EXPECT_THAT(lab.Effects(decision), ElementsAre("notify R1"));
  EXPECT_EQ(lab.Why(1), "no worker is ready; `shoal up` starts one on this machine");
}

TEST(QueueTest, ASubmittedRunIsLeasedInTheSameDecision) {
  Lab lab;
  lab.Register("local", 2);
  const Decision decision = lab.Submit(1);
  EXPECT_THAT(lab.Updates(decision),
              ElementsAre("request request-1 recorded", "run run1 R1 added",
                          "job J1 of run1 added, 1 slots, place 1",
                          "job J1 QUEUED -> RUNNING (failures 0, losses 0, stop 0)",
                          "attempt J1/1 leased to local"));
  EXPECT_THAT(lab.Effects(decision), UnorderedElementsAre("notify R1", "wake local"));
  EXPECT_EQ(lab.Why(1), "attempt 1 on worker local");
}

TEST(QueueTest, ARepeatedSubmitChangesNothing) {
  Lab lab;
  lab.Submit(1);
  RunsSubmitted again = lab.SubmitEvent(1);
  again.runs[0].run.run_id = lab.Run(2);
  again.runs[0].job.job_id = lab.Job(2);
  const Decision decision = lab.Do(again);
  EXPECT_OK(decision.answer);
  EXPECT_TRUE(decision.duplicate);
  EXPECT_THAT(decision.updates, IsEmpty());
  EXPECT_THAT(decision.effects, IsEmpty());
}

TEST(QueueTest, ARepeatedSubmitIsKnownAfterARestart) {
  Lab lab;
  lab.Submit(1);
  lab.draft = Draft(lab.config, State(lab.draft.committed().Image()));
  EXPECT_TRUE(lab.Do(lab.SubmitEvent(1)).duplicate);
}

TEST(QueueTest, ASubmitNeedsARequestId) {
  Lab lab;
  RunsSubmitted event = lab.SubmitEvent(1);
  event.request_id.clear();
  const Decision decision = lab.Do(event);
  EXPECT_THAT(decision.answer,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id is empty")));
  EXPECT_THAT(decision.updates, IsEmpty());
}

TEST(QueueTest, EventsOfOneTransactionSeeEachOther) {
  Lab lab;
  lab.Register("local", 1);
  std::vector<Update> updates = lab.draft.Decide(lab.SubmitEvent(1), lab.now).updates;
  const Decision second = lab.draft.Decide(lab.SubmitEvent(2), lab.now);
  EXPECT_TRUE(lab.draft.Decide(lab.SubmitEvent(1), lab.now).duplicate);
  EXPECT_EQ(lab.draft.ahead().queued_jobs(), 1) << "the first took the only slot";
  EXPECT_EQ(lab.draft.committed().queued_jobs() + lab.draft.committed().running_jobs(), 0);
  updates.insert(updates.end(), second.updates.begin(), second.updates.end());
  lab.draft.Commit(CommitDouble::Of(updates));
  EXPECT_EQ(Difference(lab.draft.committed().Image(), lab.draft.ahead().Image()), "");
}

TEST(QueueTest, AFailedTransactionLeavesNoTrace) {
  Lab lab;
  lab.Register("local", 1);
  const StateImage before = lab.draft.committed().Image();
  lab.draft.Decide(lab.SubmitEvent(1), lab.now);
  lab.draft.RollBack();
  EXPECT_EQ(Difference(before, lab.draft.ahead().Image()), "");
  EXPECT_FALSE(lab.draft.Decide(lab.SubmitEvent(1), lab.now).duplicate);
}

TEST(QueueTest, CancellingAQueuedJobEndsItAtOnce) {
  Lab lab;
  lab.Submit(1);
  const Decision decision = lab.Do(CancelRequested{
      .actor = "user:ada", .reason = "wrong seed", .job_ids = {lab.Job(1), lab.Job(9)}});
  EXPECT_THAT(lab.Updates(decision),
              ElementsAre("job J1 QUEUED -> CANCELLED (failures 0, losses 0, stop 0): "
                          "cancelled by user:ada: wrong seed"));
  EXPECT_THAT(lab.Effects(decision), ElementsAre("notify R1"));
  EXPECT_EQ(lab.Find(1), nullptr);
}

TEST(QueueTest, CancellingARunningJobStopsItAtTheWorkersNextCall) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  const Decision decision = lab.Do(CancelRequested{.actor = "user:ada", .job_ids = {lab.Job(1)}});
  EXPECT_THAT(lab.Updates(decision),
              ElementsAre("job J1 RUNNING -> RUNNING (failures 0, losses 0, stop 1)"));
  EXPECT_THAT(lab.Effects(decision), ElementsAre("wake local", "notify R1"));
  const Desired desired = lab.DesiredOf("local", {lab.Key(1, 1)});
  ASSERT_EQ(desired.stop.size(), 1U);
  EXPECT_EQ(desired.stop[0].kind, Stop::Kind::kCancel);
  EXPECT_EQ(desired.stop[0].reason, "cancelled by user:ada");
  EXPECT_THAT(desired.renewed, ElementsAre(lab.Key(1, 1))) << "it still has to report";
  EXPECT_THAT(
      lab.Updates(lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_CANCELLED)),
      ElementsAre(
          "attempt J1/1 RUNNING -> CANCELLED: said the worker",
          "job J1 RUNNING -> CANCELLED (failures 0, losses 0, stop 1): cancelled by user:ada"));
}

TEST(QueueTest, ACancelledJobThatFailsOrIsLostIsCancelled) {
  for (const bool lost : {false, true}) {
    Lab lab;
    lab.Register("local", 1);
    lab.Submit(1);
    lab.Do(CancelRequested{.actor = "user:ada", .job_ids = {lab.Job(1)}});
    lab.Pass(absl::Seconds(66));
    const Decision decision = lost ? lab.TickNow()
                                   : lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_FAILED,
                                                  v1::FAILURE_CLASS_BACKEND_CRASH);
    EXPECT_THAT(lab.Updates(decision),
                testing::Contains("job J1 RUNNING -> CANCELLED (failures 0, losses 0, stop 1): "
                                  "cancelled by user:ada"));
  }
}

TEST(QueueTest, AJobThatSucceedsBeforeItsCancelArrivesHasSucceeded) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Do(CancelRequested{.actor = "user:ada", .job_ids = {lab.Job(1)}});
  EXPECT_THAT(lab.Updates(lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_SUCCEEDED)),
              testing::Contains("job J1 RUNNING -> SUCCEEDED (failures 0, losses 0, stop 1)"));
}

ServeRequested Serve(Lab& lab, int run, int job) {
  ServeRequested event{.run = {.run_id = lab.Run(run), .name = StrCat("run", run)},
                       .actor = "user:ada"};
  event.job.job_id = lab.Job(job);
  event.job.needs.idle_timeout = absl::Minutes(5);
  return event;
}

TEST(QueueTest, AServeJobGoesBeforeTrainJobs) {
  Lab lab;
  lab.Submit(1);
  const Decision decision = lab.Do(Serve(lab, 2, 3));
  EXPECT_THAT(lab.Updates(decision), ElementsAre("job J3 of run2 added, 1 slots, place 2"));
  EXPECT_EQ(lab.draft.committed().FindServeJob(lab.Run(2))->job_id, lab.Job(3));
  EXPECT_THAT(lab.Updates(lab.Register("local", 1)),
              testing::Contains("attempt J3/1 leased to local"));
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
}

TEST(QueueTest, ALivingServeJobIsKept) {
  Lab lab;
  lab.Do(Serve(lab, 1, 2));
  const Decision decision = lab.Do(Serve(lab, 1, 3));
  EXPECT_TRUE(decision.duplicate);
  EXPECT_THAT(decision.updates, IsEmpty());
}

TEST(QueueTest, AnIdleServeJobEndsSucceededAndANewOneMayCome) {
  Lab lab;
  lab.Register("local", 2);
  lab.Do(Serve(lab, 1, 2));
  EXPECT_THAT(lab.Updates(lab.Do(ServeIdle{lab.Job(2)})),
              ElementsAre("job J2 RUNNING -> RUNNING (failures 0, losses 0, stop 2)"));
  EXPECT_EQ(lab.draft.committed().FindServeJob(lab.Run(1)), nullptr) << "it is being stopped";
  EXPECT_FALSE(lab.Do(Serve(lab, 1, 3)).duplicate);
  const Decision decision = lab.Finished("local", 2, 1, v1::ATTEMPT_STATE_CANCELLED);
  EXPECT_THAT(
      lab.Updates(decision),
      testing::Contains(
          "job J2 RUNNING -> SUCCEEDED (failures 0, losses 0, stop 2): nobody asks it any more"));
  EXPECT_THAT(lab.Effects(decision),
              testing::Contains("serve of J2 ended: nobody asks it any more"));
  EXPECT_EQ(lab.draft.committed().FindServeJob(lab.Run(1))->job_id, lab.Job(3));
}

TEST(QueueTest, AWaitingServeJobThatNobodyWaitsForIsCancelled) {
  Lab lab;
  lab.Do(Serve(lab, 1, 2));
  EXPECT_THAT(lab.Updates(lab.Do(ServeIdle{lab.Job(2)})),
              ElementsAre("job J2 QUEUED -> CANCELLED (failures 0, losses 0, stop 0): nobody waits "
                          "for it any more"));
}

TEST(QueueTest, OnlyServeJobsAreIdle) {
  Lab lab;
  lab.Submit(1);
  EXPECT_THAT(lab.Do(ServeIdle{lab.Job(1)}).answer,
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace shoal::scheduler
