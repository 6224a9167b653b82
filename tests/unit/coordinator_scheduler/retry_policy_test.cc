// The retry table of retry_policy.h, line by line.
#include "coordinator/scheduler/retry_policy.h"

#include "tests/unit/coordinator_scheduler/lab.h"

namespace shoal::scheduler {
namespace {

using testing::HasSubstr;

JobRecord Job() {
  JobRecord job;
  job.state = v1::JOB_STATE_RUNNING;
  job.attempt_count = 1;
  return job;
}

AttemptEnd Failed(v1::FailureClass failure) {
  return {.state = v1::ATTEMPT_STATE_FAILED,
          .failure_class = failure,
          .message = "what it said",
          .worker_name = "local"};
}

JobRecord After(JobRecord job, const AttemptEnd& end) {
  return AfterAttempt(Config(), std::move(job), end, Zero());
}

TEST(RetryPolicyTest, WhatWouldFailAgainIsNotTriedAgain) {
  for (const v1::FailureClass failure :
       {v1::FAILURE_CLASS_INVALID_SPEC, v1::FAILURE_CLASS_NOT_FINITE}) {
    const JobRecord job = After(Job(), Failed(failure));
    EXPECT_EQ(job.state, v1::JOB_STATE_FAILED);
    EXPECT_THAT(job.state_reason, HasSubstr("on local: what it said"));
    EXPECT_EQ(job.finished_at, Zero());
  }
}

TEST(RetryPolicyTest, OtherFailuresAreTriedAgainUpToMaxAttempts) {
  for (const v1::FailureClass failure :
       {v1::FAILURE_CLASS_BACKEND_ERROR, v1::FAILURE_CLASS_INFRASTRUCTURE,
        v1::FAILURE_CLASS_TIMED_OUT, v1::FAILURE_CLASS_UNSPECIFIED}) {
    JobRecord job = Job();
    for (const int seconds : {2, 4}) {
      job = After(job, Failed(failure));
      EXPECT_EQ(job.state, v1::JOB_STATE_QUEUED);
      EXPECT_EQ(job.not_before, Zero() + absl::Seconds(seconds));
      job.state = v1::JOB_STATE_RUNNING;
    }
    job = After(job, Failed(failure));
    EXPECT_EQ(job.state, v1::JOB_STATE_FAILED);
    EXPECT_THAT(job.state_reason, HasSubstr("3 of 3 tries failed"));
  }
}

TEST(RetryPolicyTest, BackoffDoublesUpToItsBound) {
  EXPECT_EQ(Backoff(Config(), 1), absl::Seconds(2));
  EXPECT_EQ(Backoff(Config(), 4), absl::Seconds(16));
  EXPECT_EQ(Backoff(Config(), 7), absl::Minutes(2));
  EXPECT_EQ(Backoff(Config(), 1'000'000), absl::Minutes(2));
}

TEST(RetryPolicyTest, ATimeLimitIsNotTriedAgain) {
  JobRecord job = Job();
  job.needs.time_limit = absl::Seconds(90);
  job = After(job, Failed(v1::FAILURE_CLASS_TIMED_OUT));
  EXPECT_EQ(job.state, v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.state_reason, HasSubstr("resources.time_limit_s is 90"));
}

TEST(RetryPolicyTest, OutOfMemoryWantsALargerWorker) {
  AttemptEnd end = Failed(v1::FAILURE_CLASS_OUT_OF_MEMORY);
  end.worker_memory_bytes = 1000;
  JobRecord job = After(Job(), end);
  EXPECT_EQ(job.state, v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.state_reason, HasSubstr("no worker has more memory"));
  end.larger_worker_known = true;
  job = After(Job(), end);
  EXPECT_EQ(job.state, v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job.memory_above_bytes, 1000);
}

TEST(RetryPolicyTest, ThreeCrashesInARowAreEnough) {
  JobRecord job = Job();
  job.needs.max_attempts = 100;
  for (int i = 0; i < 2; ++i) {
    job = After(job, Failed(v1::FAILURE_CLASS_BACKEND_CRASH));
    EXPECT_EQ(job.state, v1::JOB_STATE_QUEUED);
    job.state = v1::JOB_STATE_RUNNING;
  }
  job = After(job, Failed(v1::FAILURE_CLASS_BACKEND_CRASH));
  EXPECT_EQ(job.state, v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.state_reason, HasSubstr("crashed 3 times in a row from the start"));
}

TEST(RetryPolicyTest, ThreeDeadWorkersInARowAreEnough) {
  JobRecord job = Job();
  const AttemptEnd end{
      .message = "worker local began anew", .worker_name = "local", .worker_died = true};
  for (int i = 0; i < 2; ++i) {
    job = After(job, end);
    EXPECT_EQ(job.state, v1::JOB_STATE_QUEUED);
    EXPECT_EQ(job.not_before, absl::InfinitePast()) << "at once";
    job.state = v1::JOB_STATE_RUNNING;
  }
  job = After(job, end);
  EXPECT_EQ(job.state, v1::JOB_STATE_FAILED);
  EXPECT_THAT(job.state_reason, HasSubstr("3 times in a row, its worker died while running it"));
}

TEST(RetryPolicyTest, LossesCountUpToTwenty) {
  JobRecord job = Job();
  job.checkpoint_step = 400;
  for (int i = 1; i < 20; ++i) {
    job = After(job, {.message = "worker local left"});
    ASSERT_EQ(job.state, v1::JOB_STATE_QUEUED) << i;
    EXPECT_EQ(job.state_reason, "worker local left; resumes from step 400");
    job.state = v1::JOB_STATE_RUNNING;
  }
  EXPECT_EQ(job.failures, 0) << "they are not the job's failures";
  job = After(job, {.message = "worker local left"});
  EXPECT_EQ(job.state, v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.state_reason, "lost with its worker 20 times (last: worker local left)");
}

TEST(RetryPolicyTest, PreemptionCountsForNothing) {
  const JobRecord job =
      After(Job(), {.state = v1::ATTEMPT_STATE_PREEMPTED, .worker_name = "local"});
  EXPECT_EQ(job.state, v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job.failures + job.losses, 0);
}

TEST(RetryPolicyTest, ACancelNobodyAskedForIsAFailure) {
  const JobRecord job =
      After(Job(), {.state = v1::ATTEMPT_STATE_CANCELLED, .worker_name = "local"});
  EXPECT_EQ(job.state, v1::JOB_STATE_QUEUED);
  EXPECT_THAT(job.state_reason, HasSubstr("stopped it without being asked"));
}

}  // namespace
}  // namespace shoal::scheduler
