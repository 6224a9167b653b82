// Pausing, resuming, retrying, draining: exactly what each writes and causes.
#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Decision Pause(Lab& lab, int job, const std::string& request_id = "") {
  return lab.Do(
      PauseRequested{.request_id = request_id, .actor = "user:ada", .job_ids = {lab.Job(job)}});
}
Decision Resume(Lab& lab, int job) {
  return lab.Do(ResumeRequested{.actor = "user:ada", .job_ids = {lab.Job(job)}});
}
Decision Cancel(Lab& lab, int job) {
  return lab.Do(CancelRequested{.actor = "user:ada", .job_ids = {lab.Job(job)}});
}
Decision Drain(Lab& lab, const std::string& worker, bool undo = false) {
  return lab.Do(DrainRequested{.actor = "user:ada", .worker_id = lab.Worker(worker), .undo = undo});
}
v1::WorkerState StateOfWorker(Lab& lab, const std::string& name) {
  return lab.draft.committed().FindWorkerByName(name)->state;
}

// --- pause and resume

TEST(ControlTest, APausedWaitingJobIsNotPlacedUntilItIsResumed) {
  Lab lab;
  lab.Submit(1);
  const Decision decision = Pause(lab, 1);
  EXPECT_EQ(decision.actor, "user:ada");
  EXPECT_THAT(lab.Updates(decision),
              ElementsAre("job J1 QUEUED -> QUEUED (failures 0, losses 0, stop 0, paused): paused "
                          "by user:ada"));
  EXPECT_THAT(lab.Effects(decision), ElementsAre("notify R1"));
  lab.Register("local", 1);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
  EXPECT_EQ(lab.draft.committed().queued_jobs(), 0) << "it waits for nobody";
  EXPECT_EQ(lab.Why(1), "paused by user:ada; `shoal resume run1` lets it go on");
  EXPECT_THAT(lab.Updates(Resume(lab, 1)),
              ElementsAre("job J1 QUEUED -> QUEUED (failures 0, losses 0, stop 0)",
                          "job J1 QUEUED -> RUNNING (failures 0, losses 0, stop 0)",
                          "attempt J1/1 leased to local"));
}

TEST(ControlTest, APausedJobHoldsNobodyUp) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1, Slots(1));
  lab.Submit(2, Slots(2));  // waits, and would reserve the worker
  Pause(lab, 2);
  lab.Submit(3, Slots(1));
  EXPECT_EQ(lab.Find(3)->state, v1::JOB_STATE_RUNNING);
}

TEST(ControlTest, APausedRunningJobIsAskedToSaveAndThenStaysInTheQueue) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  const Decision decision = Pause(lab, 1);
  EXPECT_THAT(lab.Effects(decision), UnorderedElementsAre("wake local", "notify R1"));
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_RUNNING);
  const Desired desired = lab.DesiredOf("local", {lab.Key(1, 1)});
  ASSERT_EQ(desired.stop.size(), 1U);
  EXPECT_EQ(desired.stop[0].kind, Stop::Kind::kPreempt);
  EXPECT_EQ(desired.stop[0].reason, "paused by user:ada");
  EXPECT_EQ(lab.Why(1),
            "attempt 1 on worker local; it saves a checkpoint and stops: paused by user:ada");
  lab.Checkpoint("local", 1, 1, 40);
  EXPECT_THAT(lab.Updates(lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_PREEMPTED)),
              ElementsAre("attempt J1/1 RUNNING -> PREEMPTED: said the worker",
                          "job J1 RUNNING -> QUEUED (failures 0, losses 0, stop 0, paused): paused "
                          "by user:ada; preempted on local; resumes from step 40"));
  EXPECT_THAT(lab.Updates(lab.TickNow()), IsEmpty()) << "there is room, but it is held back";
  EXPECT_THAT(lab.Updates(Resume(lab, 1)), Contains("attempt J1/2 leased to local"));
}

TEST(ControlTest, AResumeBeforeTheWorkerHeardOfThePauseTakesItBack) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  Pause(lab, 1);
  Resume(lab, 1);
  EXPECT_THAT(lab.DesiredOf("local", {lab.Key(1, 1)}).stop, IsEmpty());
  EXPECT_EQ(lab.Find(1)->state_reason, "");
}

TEST(ControlTest, AResumeBeforeThePreemptionIsThroughPlacesItAgain) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  Pause(lab, 1);
  Resume(lab, 1);  // the runner has heard of the pause and saves
  EXPECT_THAT(lab.Updates(lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_PREEMPTED)),
              Contains("attempt J1/2 leased to local"));
}

TEST(ControlTest, APausedJobThatIsLostOrFailsStaysPaused) {
  for (const bool lost : {false, true}) {
    Lab lab;
    lab.Register("local", 1);
    lab.Register("other", 1);
    lab.Submit(1);
    const std::string name = lab.draft.committed().FindAttempt(lab.Job(1))->worker_name;
    lab.Started(name, 1, 1);
    Pause(lab, 1);
    if (lost) {
      lab.Pass(absl::Seconds(66));
      lab.TickNow();
    } else {
      lab.Finished(name, 1, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_BACKEND_CRASH);
    }
    EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
    EXPECT_THAT(lab.Find(1)->state_reason, testing::StartsWith("paused by user:ada; "));
    lab.Sync("other");
    lab.Pass(absl::Minutes(5));
    lab.Sync("other");
    lab.TickNow();
    EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
  }
}

TEST(ControlTest, APausedJobThatSucceedsFirstHasSucceeded) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  Pause(lab, 1);
  EXPECT_THAT(lab.Updates(lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_SUCCEEDED)),
              Contains("job J1 RUNNING -> SUCCEEDED (failures 0, losses 0, stop 0)"));
}

TEST(ControlTest, APauseOutlivesTheCoordinator) {
  Lab lab;
  lab.Submit(1);
  Pause(lab, 1);
  lab.draft = Draft(lab.config, State(lab.draft.committed().Image()));
  lab.Do(CoordinatorStarted{});
  lab.Register("local", 1);
  EXPECT_TRUE(lab.Find(1)->paused);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
}

TEST(ControlTest, CancelWorksOnPausedJobs) {
  Lab lab;
  lab.Submit(1);
  Pause(lab, 1);
  EXPECT_THAT(lab.Updates(Cancel(lab, 1)),
              ElementsAre("job J1 QUEUED -> CANCELLED (failures 0, losses 0, stop 0): cancelled by "
                          "user:ada"));
  lab.Register("local", 1);
  lab.Submit(2);
  lab.Started("local", 2, 1);
  Pause(lab, 2);
  Cancel(lab, 2);
  EXPECT_EQ(lab.DesiredOf("local", {lab.Key(2, 1)}).stop.at(0).kind, Stop::Kind::kCancel);
  EXPECT_THAT(lab.Updates(lab.Finished("local", 2, 1, v1::ATTEMPT_STATE_PREEMPTED)),
              Contains("job J2 RUNNING -> CANCELLED (failures 0, losses 0, stop 1): cancelled by "
                       "user:ada"));
}

TEST(ControlTest, APauseLeavesAloneWhatItDoesNotConcern) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  Cancel(lab, 1);  // asked, not yet through
  EXPECT_THAT(Pause(lab, 1).updates, IsEmpty());
  EXPECT_THAT(Pause(lab, 9).updates, IsEmpty());
  EXPECT_THAT(Resume(lab, 1).updates, IsEmpty());
  lab.Submit(2);
  Pause(lab, 2);
  EXPECT_THAT(Pause(lab, 2).updates, IsEmpty()) << "it is paused already";
}

TEST(ControlTest, ARepeatedRequestChangesNothing) {
  Lab lab;
  lab.Submit(1);
  EXPECT_FALSE(Pause(lab, 1, "p").duplicate);
  Resume(lab, 1);
  const Decision again = Pause(lab, 1, "p");
  EXPECT_TRUE(again.duplicate);
  EXPECT_THAT(again.updates, IsEmpty());
  EXPECT_FALSE(lab.Find(1)->paused);
}

// --- retry

// A lab with one worker where job 1 failed at its second attempt, with a checkpoint at step 20.
struct FailedLab : Lab {
  FailedLab() {
    Register("local", 1);
    JobNeeds needs;
    needs.max_attempts = 2;
    Submit(1, needs);
    Started("local", 1, 1);
    Checkpoint("local", 1, 1, 20);
    Finished("local", 1, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_BACKEND_ERROR);
    Pass(absl::Seconds(10));
    Sync("local");
    TickNow();
    Started("local", 1, 2, 20);
    row = *Find(1);
    const Decision decision =
        Finished("local", 1, 2, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_BACKEND_ERROR);
    row = std::get<JobChanged>(decision.updates.at(1)).job;
    EXPECT_EQ(row.state, v1::JOB_STATE_FAILED);
  }
  RetryRequested RetryEvent() {
    return {.request_id = "again",
            .actor = "user:ada",
            .jobs = {{.run = {.run_id = this->Run(1), .name = "run1"}, .job = row}}};
  }
  JobRecord row;  // as the store holds it
};

TEST(ControlTest, ARetriedJobCountsItsTriesAnewAndItsAttemptsOn) {
  FailedLab lab;
  const Decision decision = lab.Do(lab.RetryEvent());
  EXPECT_THAT(lab.Updates(decision),
              ElementsAre("request again recorded",
                          "job J1 FAILED -> QUEUED again, after attempt 2, place 2",
                          "job J1 QUEUED -> RUNNING (failures 0, losses 0, stop 0)",
                          "attempt J1/3 leased to local"));
  EXPECT_EQ(lab.Find(1)->checkpoint_step, 20) << "it goes on from there";
  EXPECT_EQ(lab.Find(1)->finished_at, absl::InfinitePast());
  lab.Started("local", 1, 3, 20);
  lab.Finished("local", 1, 3, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_BACKEND_ERROR);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED) << "one of two tries failed";
}

TEST(ControlTest, ARetryIsDoneOnce) {
  FailedLab lab;
  lab.Do(lab.RetryEvent());
  EXPECT_TRUE(lab.Do(lab.RetryEvent()).duplicate);
  RetryRequested other = lab.RetryEvent();
  other.request_id = "another";
  EXPECT_THAT(lab.Updates(lab.Do(other)), ElementsAre("request another recorded"))
      << "it is alive again";
}

TEST(ControlTest, ALateReportOfAnAttemptBeforeTheRetryIsRefused) {
  FailedLab lab;
  lab.Do(lab.RetryEvent());
  EXPECT_THAT(lab.Finished("local", 1, 2, v1::ATTEMPT_STATE_SUCCEEDED).answer,
              StatusIs(absl::StatusCode::kAborted, HasSubstr("the job is at attempt 3")));
}

TEST(ControlTest, ARetryForgetsWishesAndLeavesSuccessAlone) {
  FailedLab lab;
  RetryRequested event = lab.RetryEvent();
  event.jobs[0].job.state = v1::JOB_STATE_SUCCEEDED;
  EXPECT_THAT(lab.Updates(lab.Do(event)), ElementsAre("request again recorded"));
  event.request_id = "second";
  event.jobs[0].job.state = v1::JOB_STATE_CANCELLED;
  event.jobs[0].job.stop = StopWish::kCancel;
  event.jobs[0].job.stop_reason = "cancelled by user:ada";
  event.jobs[0].job.memory_above_bytes = int64_t{1} << 40;
  lab.Do(event);
  EXPECT_EQ(lab.Find(1)->stop, StopWish::kNone);
  EXPECT_EQ(lab.Find(1)->stop_reason, "");
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_RUNNING);
}

TEST(ControlTest, ARetriedJobWaitsBehindTheOthers) {
  FailedLab lab;
  lab.Submit(2);
  lab.Submit(3);
  lab.Do(lab.RetryEvent());
  const auto& queue = lab.draft.committed().queue();
  ASSERT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.begin()->job_id, lab.Job(3));
  EXPECT_EQ(queue.rbegin()->job_id, lab.Job(1));
}

// --- drain

TEST(ControlTest, ADrainedWorkerFinishesWhatItRunsAndTakesNothing) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1);
  const Decision decision = Drain(lab, "local");
  EXPECT_THAT(lab.Updates(decision),
              ElementsAre("worker local drained",
                          "worker local READY -> DRAINING: drained: it takes no new jobs"));
  lab.Submit(2);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_RUNNING);
  EXPECT_THAT(lab.DesiredOf("local", {lab.Key(1, 1)}).stop, IsEmpty());
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_QUEUED);
  EXPECT_EQ(lab.Why(2),
            "no worker takes jobs: local is drained; `shoal workers undrain local` ends that");
  lab.Sync("local", {lab.Key(1, 1)});
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_QUEUED);
  EXPECT_THAT(lab.Updates(Drain(lab, "local", true)), Contains("attempt J2/1 leased to local"));
  EXPECT_EQ(StateOfWorker(lab, "local"), v1::WORKER_STATE_READY);
}

TEST(ControlTest, DrainingOutlivesWorkerAndCoordinator) {
  Lab lab;
  lab.Register("local", 1);
  Drain(lab, "local");
  lab.Register("local", 1, "second");
  lab.Sync("local", {}, "second");
  EXPECT_EQ(StateOfWorker(lab, "local"), v1::WORKER_STATE_DRAINING);
  lab.draft = Draft(lab.config, State(lab.draft.committed().Image()));
  lab.Do(CoordinatorStarted{});
  lab.Sync("local", {}, "second");
  lab.Submit(1);
  EXPECT_EQ(StateOfWorker(lab, "local"), v1::WORKER_STATE_DRAINING);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
}

TEST(ControlTest, AnAnnouncedProcessDoesNotUndoADrainThatCameBetween) {
  Lab lab;
  lab.Register("local", 1);
  lab.Register("local", 1, "second");  // announced, has not spoken
  Drain(lab, "local");
  lab.Sync("local", {}, "second");
  lab.Submit(1);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_QUEUED);
}

TEST(ControlTest, AWorkerThatIsAwayCanBeDrainedAndStaysOffline) {
  Lab lab;
  lab.Register("local", 1);
  lab.Pass(absl::Seconds(66));
  lab.TickNow();
  EXPECT_THAT(lab.Updates(Drain(lab, "local")), ElementsAre("worker local drained"));
  EXPECT_EQ(StateOfWorker(lab, "local"), v1::WORKER_STATE_OFFLINE);
  lab.Sync("local");
  EXPECT_EQ(StateOfWorker(lab, "local"), v1::WORKER_STATE_DRAINING);
}

TEST(ControlTest, UndrainingAWorkerThatShutsDownDoesNotMakeItReady) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Started("local", 1, 1);
  Drain(lab, "local");
  lab.Sync("local", {lab.Key(1, 1)}, "first", /*draining=*/true);
  Drain(lab, "local", true);
  EXPECT_EQ(StateOfWorker(lab, "local"), v1::WORKER_STATE_DRAINING);
  EXPECT_THAT(
      lab.Do(DrainRequested{.actor = "user:ada", .worker_id = lab.MakeId<WorkerId>("x")}).answer,
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("is not known")));
}

}  // namespace
}  // namespace shoal::scheduler
