// Why jobs wait, in words.
#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Explanation ExplanationOf(Lab& lab, int job) {
  return ExplainJob(lab.draft.committed(), lab.Job(job), lab.now);
}

// "local: no" or "local: yes, REASON", by name.
std::vector<std::string> Verdicts(Lab& lab, int job) {
  std::vector<std::string> lines;
  for (const Verdict& verdict : ExplanationOf(lab, job).workers) {
    lines.push_back(StrCat(verdict.worker_name, verdict.suitable ? ": yes" : ": no",
                           verdict.reason.empty() ? "" : ", ", verdict.reason));
  }
  return lines;
}

TEST(ExplainTest, EveryWorkerHasItsOwnVerdict) {
  Lab lab;
  lab.Register("small", 1);
  lab.Register("busy", 3);
  lab.Submit(1, Slots(2));
  lab.Register("drained", 4);
  lab.Do(DrainRequested{.actor = "user:ada", .worker_id = lab.Worker("drained")});
  lab.Submit(2, Slots(2));
  EXPECT_THAT(Verdicts(lab, 2),
              ElementsAre("busy: yes, 1 of 3 slots free, 2 needed at once; held by run1",
                          "drained: yes, is drained; `shoal workers undrain drained` ends that",
                          "small: no, 2 slots needed, small has 1"));
  EXPECT_EQ(ExplanationOf(lab, 2).summary,
            "waits for 2 free slots of one worker (2 of 4 in use); it is first in the queue");
  EXPECT_THAT(Verdicts(lab, 1), ElementsAre("busy: yes", "drained: yes, it runs on busy",
                                            "small: no, 2 slots needed, small has 1"));
}

TEST(ExplainTest, AReservationIsNamed) {
  Lab lab;
  lab.Register("local", 3);
  lab.Submit(1, Slots(2));
  lab.Submit(2, Slots(3));  // reserves the worker
  lab.Submit(3, Slots(1));
  EXPECT_THAT(Verdicts(lab, 3), ElementsAre("local: yes, is kept free for run2, which is ahead"));
  EXPECT_THAT(ExplanationOf(lab, 3).ahead, ElementsAre(lab.Job(2)));
}

TEST(ExplainTest, WhatFitsNowhereComesWithARemedy) {
  Lab lab;
  lab.Register("local", 2);
  lab.Submit(1, Slots(8));
  EXPECT_EQ(
      ExplanationOf(lab, 1).summary,
      "no worker fits: 8 slots needed, local has 2; start a worker with --slots 8 or more, or "
      "launch it with a smaller resources.slots");
  JobNeeds cuda;
  cuda.backend = "cuda";
  lab.Submit(2, cuda);
  EXPECT_THAT(ExplanationOf(lab, 2).summary,
              HasSubstr("backend cuda needed, local does not have it; `shoal workers` lists"));
  JobNeeds large;
  large.memory_bytes = int64_t{32} << 30;
  lab.Submit(3, large);
  EXPECT_THAT(ExplanationOf(lab, 3).summary,
              HasSubstr("local has 16384; start a worker on a machine with more memory"));
}

TEST(ExplainTest, JobsThatArePassedOverAreNotAhead) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1, Slots(8));  // fits nowhere
  lab.Submit(2);
  lab.Finished("local", 2, 1, v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_INFRASTRUCTURE);
  lab.Submit(3);  // runs, while the second waits for its backoff
  lab.Submit(4);
  lab.Submit(5);
  lab.Do(PauseRequested{.actor = "user:ada", .job_ids = {lab.Job(4)}});
  EXPECT_THAT(ExplanationOf(lab, 5).ahead, IsEmpty());
  std::vector<std::string> lines;
  for (const QueueLine& line : ListQueue(lab.draft.committed(), lab.now)) {
    lines.push_back(
        lab.InNames(StrCat(line.job_id.str(), " ", line.jobs_ahead, " ", line.waits_for)));
  }
  EXPECT_THAT(lines,
              ElementsAre("J3 0 ", "J1 0 no worker fits: 8 slots needed, local has 1",
                          HasSubstr("J2 0 tried again in 2s: INFRASTRUCTURE"),
                          "J5 0 waits for a free slot (1 of 1 in use); it is first in the queue",
                          "J4 0 paused by user:ada; `shoal resume run4` lets it go on"));
  lab.Submit(6);
  EXPECT_THAT(ExplanationOf(lab, 6).ahead, ElementsAre(lab.Job(5)));
}

TEST(ExplainTest, WhatDisturbsARunningJobIsSaid) {
  Lab lab;
  lab.Register("local", 1);
  lab.Submit(1);
  EXPECT_EQ(lab.Why(1), "attempt 1 on worker local");
  lab.Pass(absl::Seconds(39));
  EXPECT_EQ(lab.Why(1), "attempt 1 on worker local");
  lab.Pass(absl::Seconds(6));
  EXPECT_EQ(
      lab.Why(1),
      "attempt 1 on worker local; worker local has been silent for 45s; if it stays so, another "
      "takes over in 20s");
  EXPECT_THAT(Verdicts(lab, 1), ElementsAre("local: yes, has been silent for 45s"));
  lab.Submit(2);
  EXPECT_EQ(lab.Why(2),
            "waits for a free slot (1 of 1 in use); it is first in the queue; worker local has "
            "been silent for 45s");
  EXPECT_THAT(Verdicts(lab, 2), ElementsAre("local: yes, has been silent for 45s"));
  lab.Do(CancelRequested{.actor = "user:ada", .job_ids = {lab.Job(1)}});
  EXPECT_EQ(lab.Why(1), "attempt 1 on worker local; it is being stopped: cancelled by user:ada");
  EXPECT_EQ(ExplanationOf(lab, 9).summary, "") << "it is not in memory";
}

}  // namespace
}  // namespace shoal::scheduler
