// Who goes where: requirements, order, reservations, reasons.
#include "coordinator/scheduler/placement.h"

#include "coordinator/scheduler/requirement.h"
#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

using testing::HasSubstr;

WorkerRecord Machine(std::vector<std::string> backends) {
  WorkerRecord worker{.name = "local", .slots = 4};
  worker.host.set_isa("avx2");
  worker.host.set_memory_bytes(int64_t{8} << 30);
  for (const std::string& name : backends) {
    worker.backends.emplace_back();
    worker.backends.back().set_name(name);
    worker.backends.back().set_available(true);
  }
  return worker;
}

JobRecord Asking(const std::string& backend) {
  JobRecord job;
  job.needs.backend = backend;
  return job;
}

TEST(RequirementTest, AutoTakesTheBestThatIsAvailable) {
  EXPECT_EQ(BackendRank(Asking("auto"), Machine({"reference", "onednn", "cuda"})), 0);
  EXPECT_EQ(BackendRank(Asking("auto"), Machine({"reference", "onednn"})), 1);
  EXPECT_EQ(BackendRank(Asking("auto"), Machine({"reference"})), 2);
  EXPECT_EQ(LackOf(Asking("auto"), Machine({"mock"})), Lack::kBackend)
      << "auto never means the mock";
  WorkerRecord broken = Machine({"reference", "cuda"});
  broken.backends[1].set_available(false);
  EXPECT_EQ(BackendRank(Asking("auto"), broken), 2);
}

TEST(RequirementTest, ANamedBackendMustBeThere) {
  EXPECT_EQ(LackOf(Asking("onednn"), Machine({"onednn"})), Lack::kNothing);
  WorkerRecord worker = Machine({"onednn", "cuda"});
  worker.backends[1].set_available(false);
  worker.backends[1].set_reason("no device");
  EXPECT_EQ(LackText(Asking("cuda"), worker),
            "backend cuda needed, local does not have it (no device)");
}

TEST(RequirementTest, CheckNeedsBoth) {
  EXPECT_EQ(LackOf(Asking("check:onednn"), Machine({"onednn", "reference"})), Lack::kNothing);
  EXPECT_EQ(LackOf(Asking("check:onednn"), Machine({"onednn"})), Lack::kBackend);
  EXPECT_EQ(LackOf(Asking("check:onednn"), Machine({"reference"})), Lack::kBackend);
}

TEST(RequirementTest, SlotsMemoryAndFormat) {
  JobRecord job = Asking("auto");
  job.needs.slots = 5;
  EXPECT_EQ(LackText(job, Machine({"onednn"})), "5 slots needed, local has 4");
  job = Asking("auto");
  job.needs.memory_bytes = int64_t{9} << 30;
  EXPECT_EQ(LackText(job, Machine({"onednn"})), "9216 MiB of memory needed, local has 8192");
  job.needs.memory_bytes = 0;
  job.memory_above_bytes = int64_t{8} << 30;
  EXPECT_THAT(LackText(job, Machine({"onednn"})), HasSubstr("it ran out there"));
  job = Asking("auto");
  job.needs.dtype = "bf16";
  EXPECT_EQ(LackText(job, Machine({"onednn"})), "bf16 needed, local does not have it");
  WorkerRecord worker = Machine({"onednn"});
  worker.backends[0].set_supports_bf16(true);
  EXPECT_EQ(LackOf(job, worker), Lack::kNothing);
}

TEST(RequirementTest, LaterAttemptsStayInTheNumericsClass) {
  WorkerRecord worker = Machine({"onednn", "cuda"});
  worker.host.set_l2_bytes(1 << 20);
  worker.backends[0].set_numerics_version(3);
  JobRecord job = Asking("auto");
  job.numerics.emplace();
  job.numerics->set_backend("onednn");
  job.numerics->set_numerics_version(3);
  job.numerics->set_isa("avx2");
  job.numerics->set_l2_bytes(1 << 20);
  EXPECT_EQ(LackOf(job, worker), Lack::kNothing);
  EXPECT_EQ(BackendRank(job, worker), 1) << "the class's backend, though a better one is there";
  JobRecord other = job;
  other.numerics->set_numerics_version(4);
  EXPECT_THAT(LackText(other, worker), HasSubstr("numerics version 3 instead of 4"));
  other = job;
  other.numerics->set_isa("avx512");
  EXPECT_THAT(LackText(other, worker), HasSubstr("instruction set avx2 instead of avx512"));
  other = job;
  other.numerics->set_l2_bytes(2 << 20);
  EXPECT_THAT(LackText(other, worker), HasSubstr("other cache sizes"));
  other = job;
  other.numerics->set_dtype("bf16");
  EXPECT_EQ(LackOf(other, worker), Lack::kNumberFormat);
  other = job;
  other.numerics->set_backend("reference");
  EXPECT_EQ(LackOf(other, worker), Lack::kBackend);
}

TEST(PlacementTest, TheQueueIsServedInOrder) {
  Lab lab;
  for (int n = 1; n <= 3; ++n) lab.Submit(n);
  lab.Register("local", 2);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_RUNNING);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_RUNNING);
  EXPECT_EQ(lab.Find(3)->state, v1::JOB_STATE_QUEUED);
}

TEST(PlacementTest, ALostJobKeepsItsPlace) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  lab.Submit(2);
  lab.Pass(absl::Seconds(30));
  lab.Sync("local");
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_RUNNING);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_QUEUED);
}

TEST(PlacementTest, JobsSpreadOverWorkers) {
  Lab lab;
  lab.Register("a", 2);
  lab.Register("b", 3);
  lab.Submit(1);
  lab.Submit(2);
  EXPECT_EQ(lab.draft.committed().FindAttempt(lab.Job(1))->worker_name, "b");
  EXPECT_EQ(lab.draft.committed().LoadOf(lab.Worker("a")).slots +
                lab.draft.committed().LoadOf(lab.Worker("b")).slots,
            2);
}

// Nobody knows whether it lives: what it was given would wait for its lease to end.
TEST(PlacementTest, ASilentWorkerGetsNothingUntilItSpeaks) {
  Lab lab;
  lab.Register("gone", 4);
  lab.Pass(absl::Seconds(39));
  lab.Register("here", 1);
  lab.Pass(absl::Seconds(2));
  lab.Submit(1);
  EXPECT_EQ(lab.draft.committed().FindAttempt(lab.Job(1))->worker_name, "here")
      << "it has fewer slots, but it is heard";
  lab.Submit(2);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_QUEUED);
  lab.Sync("gone");
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_RUNNING);
}

TEST(PlacementTest, MemoryIsSharedByTheJobsOfAWorker) {
  Lab lab;
  lab.Register("local", 4);
  JobNeeds needs;
  needs.memory_bytes = int64_t{9} << 30;
  lab.Submit(1, needs);
  lab.Submit(2, needs);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_RUNNING);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_QUEUED) << "16 GiB hold one of 9";
}

// A wide job at the head of the queue waits on the worker that can hold it; narrower ones pass on
// the others only.
TEST(PlacementTest, AWideJobDoesNotStarve) {
  Lab lab;
  lab.Register("big", 4);
  lab.Register("small", 1);
  for (int n = 1; n <= 4; ++n) lab.Submit(n);  // three on big, one on small or all four on big
  lab.Submit(10, Slots(4));
  for (int n = 11; n <= 16; ++n) lab.Submit(n);
  int ended = 0;
  for (int n : {1, 2, 3, 4, 11, 12, 13, 14, 15, 16}) {
    if (lab.Find(10)->state == v1::JOB_STATE_RUNNING) break;
    const AttemptRecord* attempt = lab.draft.committed().FindAttempt(lab.Job(n));
    if (attempt == nullptr) continue;
    EXPECT_TRUE(n < 10 || attempt->worker_name == "small")
        << "job " << n << " passed the wide one on its worker";
    lab.Finished(attempt->worker_name, n, 1, v1::ATTEMPT_STATE_SUCCEEDED);
    ++ended;
  }
  EXPECT_EQ(lab.Find(10)->state, v1::JOB_STATE_RUNNING);
  EXPECT_LE(ended, 5);
}

TEST(PlacementTest, AJobInItsBackoffHoldsNobodyUp) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1, Slots(2));
  lab.Finished("local", 1, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_INFRASTRUCTURE);
  lab.Submit(2);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_RUNNING);
}

TEST(PlacementTest, TheUnmetRequirementIsTheReasonUntilAWorkerMeetsIt) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1, Slots(8));
  EXPECT_EQ(lab.Find(1)->state_reason, "no worker fits: 8 slots needed, local has 2");
  EXPECT_EQ(lab.Why(1), lab.Find(1)->state_reason);
  lab.Submit(2);
  EXPECT_EQ(lab.Find(2)->state, v1::JOB_STATE_RUNNING) << "it blocks nobody";
  lab.Register("mid", 3);
  EXPECT_EQ(lab.Find(1)->state_reason,
            "no worker fits: 8 slots needed, local has 2; 8 slots needed, mid has 3");
  lab.Register("big", 8);
  EXPECT_EQ(lab.Find(1)->state, v1::JOB_STATE_RUNNING);
  EXPECT_EQ(lab.Find(1)->state_reason, "");
}

TEST(PlacementTest, AReasonIsTakenBackWhenAWorkerFitsButIsBusy) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1, Slots(3));
  WorkerRegistered event = lab.RegisterEvent("big", 4);
  lab.Do(event);
  lab.Submit(2, Slots(4));
  EXPECT_EQ(lab.Find(2)->state_reason, "");
  EXPECT_EQ(lab.Why(2),
            "waits for 4 free slots of one worker (3 of 6 in use); it is first in the queue");
}

}  // namespace
}  // namespace shoal::scheduler
