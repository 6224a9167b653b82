// States of jobs, attempts and runs.
#include <vector>

#include "core/spec/job_state.h"
#include "core/spec/run_status.h"
#include "gtest/gtest.h"

namespace shoal::spec {
namespace {

constexpr int kJobStates = v1::JobState_ARRAYSIZE;
constexpr int kAttemptStates = v1::AttemptState_ARRAYSIZE;

TEST(JobState, FinalStatesNeverChange) {
  for (int from = 0; from < kJobStates; ++from) {
    const auto state = static_cast<v1::JobState>(from);
    bool leaves = false;
    for (int to = 0; to < kJobStates; ++to) {
      leaves |= CanBecome(state, static_cast<v1::JobState>(to));
      if (from == to || to == 0) {
        EXPECT_FALSE(CanBecome(state, static_cast<v1::JobState>(to)));
      }
    }
    EXPECT_EQ(leaves, from != 0 && !IsFinal(state)) << Name(state);
  }
  EXPECT_TRUE(CanBecome(v1::JOB_STATE_RUNNING, v1::JOB_STATE_QUEUED));
  EXPECT_FALSE(CanBecome(v1::JOB_STATE_QUEUED, v1::JOB_STATE_SUCCEEDED));
  EXPECT_FALSE(CanBecome(v1::JOB_STATE_CANCELLED, v1::JOB_STATE_SUCCEEDED));
}

TEST(AttemptState, OnlyForward) {
  for (int from = 0; from < kAttemptStates; ++from) {
    const auto state = static_cast<v1::AttemptState>(from);
    EXPECT_FALSE(CanBecome(state, v1::ATTEMPT_STATE_LEASED));
    for (int to = 0; to < kAttemptStates; ++to) {
      const auto next = static_cast<v1::AttemptState>(to);
      const bool legal = from != 0 && !IsFinal(state) &&
                         (IsFinal(next) ||
                          (state == v1::ATTEMPT_STATE_LEASED && next == v1::ATTEMPT_STATE_RUNNING));
      EXPECT_EQ(CanBecome(state, next), legal) << Name(state) << " -> " << Name(next);
    }
  }
}

TEST(States, NamesRoundTrip) {
  for (int i = 1; i < kJobStates; ++i) {
    const auto state = static_cast<v1::JobState>(i);
    EXPECT_EQ(ParseJobState(Name(state)), state);
  }
  for (int i = 1; i < kAttemptStates; ++i) {
    const auto state = static_cast<v1::AttemptState>(i);
    EXPECT_EQ(ParseAttemptState(Name(state)), state);
  }
  for (int i = 1; i < v1::RunStatus_ARRAYSIZE; ++i) {
    const auto status = static_cast<v1::RunStatus>(i);
    EXPECT_EQ(ParseRunStatus(Name(status)), status);
    EXPECT_EQ("RUN_STATUS_" + std::string(Name(status)), v1::RunStatus_Name(status));
  }
  EXPECT_EQ(Name(v1::JOB_STATE_QUEUED), "QUEUED");
  EXPECT_EQ(ParseJobState("running"), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(ParseJobState("UNSPECIFIED"), std::nullopt);
  EXPECT_EQ(ParseJobState("nonsense"), std::nullopt);
  EXPECT_EQ(ParseRunStatus(""), std::nullopt);
  EXPECT_EQ(Name(static_cast<v1::JobState>(99)), "UNSPECIFIED");
  EXPECT_EQ(Name(static_cast<v1::RunStatus>(-1)), "UNSPECIFIED");
  EXPECT_EQ(Name(v1::FAILURE_CLASS_NOT_FINITE), "NOT_FINITE");
  EXPECT_EQ(Name(v1::JOB_KIND_SERVE), "SERVE");
}

TEST(States, Retrying) {
  const auto retry = [](v1::AttemptState state, v1::FailureClass failure, bool limit = false) {
    return WorthRetrying(state, failure, limit);
  };
  EXPECT_TRUE(retry(v1::ATTEMPT_STATE_LOST, v1::FAILURE_CLASS_UNSPECIFIED));
  EXPECT_TRUE(retry(v1::ATTEMPT_STATE_PREEMPTED, v1::FAILURE_CLASS_UNSPECIFIED));
  EXPECT_TRUE(retry(v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_BACKEND_CRASH));
  EXPECT_TRUE(retry(v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_TIMED_OUT));
  EXPECT_FALSE(retry(v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_TIMED_OUT, true));
  EXPECT_FALSE(retry(v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_NOT_FINITE));
  EXPECT_FALSE(retry(v1::ATTEMPT_STATE_FAILED, v1::FAILURE_CLASS_INVALID_SPEC));
  EXPECT_FALSE(retry(v1::ATTEMPT_STATE_CANCELLED, v1::FAILURE_CLASS_BACKEND_CRASH));
  EXPECT_FALSE(retry(v1::ATTEMPT_STATE_SUCCEEDED, v1::FAILURE_CLASS_UNSPECIFIED));
}

v1::RunStatus Of(std::initializer_list<v1::JobState> states,
                 v1::JobKind kind = v1::JOB_KIND_TRAIN) {
  std::vector<v1::Job> jobs;
  for (v1::JobState state : states) {
    jobs.emplace_back().set_state(state);
    jobs.back().set_kind(kind);
  }
  return StatusOfRun(jobs);
}

TEST(RunStatus, OfItsJobs) {
  EXPECT_EQ(Of({}), v1::RUN_STATUS_QUEUED);
  EXPECT_EQ(Of({v1::JOB_STATE_QUEUED}), v1::RUN_STATUS_QUEUED);
  EXPECT_EQ(Of({v1::JOB_STATE_RUNNING}), v1::RUN_STATUS_RUNNING);
  EXPECT_EQ(Of({v1::JOB_STATE_SUCCEEDED}), v1::RUN_STATUS_SUCCEEDED);
  EXPECT_EQ(Of({v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_QUEUED}), v1::RUN_STATUS_RUNNING);
  EXPECT_EQ(Of({v1::JOB_STATE_FAILED, v1::JOB_STATE_ABORTED}), v1::RUN_STATUS_FAILED);
  EXPECT_EQ(Of({v1::JOB_STATE_CANCELLED, v1::JOB_STATE_ABORTED}), v1::RUN_STATUS_CANCELLED);
  EXPECT_EQ(Of({v1::JOB_STATE_SUCCEEDED, v1::JOB_STATE_ABORTED}), v1::RUN_STATUS_ABORTED);
  EXPECT_EQ(Of({v1::JOB_STATE_FAILED, v1::JOB_STATE_RUNNING}), v1::RUN_STATUS_RUNNING);
  EXPECT_EQ(Of({v1::JOB_STATE_FAILED}, v1::JOB_KIND_SERVE), v1::RUN_STATUS_QUEUED);
}

TEST(RunStatus, IsPausedWhenAllThatWaitsIsPaused) {
  v1::Job waiting, paused, running, succeeded;
  for (v1::Job* job : {&waiting, &paused, &running, &succeeded}) {
    job->set_kind(v1::JOB_KIND_TRAIN);
    job->set_state(v1::JOB_STATE_QUEUED);
  }
  paused.set_paused(true);
  running.set_paused(true);  // it will be, once it has saved
  running.set_state(v1::JOB_STATE_RUNNING);
  succeeded.set_state(v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(StatusOfRun(std::vector{paused}), v1::RUN_STATUS_PAUSED);
  EXPECT_EQ(StatusOfRun(std::vector{succeeded, paused}), v1::RUN_STATUS_PAUSED);
  EXPECT_EQ(StatusOfRun(std::vector{waiting, paused}), v1::RUN_STATUS_QUEUED);
  EXPECT_EQ(StatusOfRun(std::vector{running}), v1::RUN_STATUS_RUNNING);
  EXPECT_EQ(StatusOfRun(std::vector{running, paused}), v1::RUN_STATUS_RUNNING);
  EXPECT_FALSE(IsFinal(v1::RUN_STATUS_PAUSED));
  EXPECT_EQ(ParseRunStatus("paused"), v1::RUN_STATUS_PAUSED);
}

TEST(RunStatus, OfOneJob) {
  EXPECT_EQ(StatusOfJob(v1::JOB_STATE_CANCELLED), v1::RUN_STATUS_CANCELLED);
  EXPECT_FALSE(IsFinal(v1::RUN_STATUS_RUNNING));
  EXPECT_TRUE(IsFinal(v1::RUN_STATUS_ABORTED));
}

}  // namespace
}  // namespace shoal::spec
