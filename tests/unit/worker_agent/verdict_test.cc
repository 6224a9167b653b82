#include "worker/agent/verdict.h"

#include <csignal>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

RunnerEnd Killed(int signal) {
  RunnerEnd end;
  end.exit.emplace();
  end.exit->signal = signal;
  end.exit->peak_memory_bytes = int64_t{300} << 20;
  end.step = 7;
  return end;
}

RunnerEnd Said(v1::AttemptState state, const std::string& message = "word") {
  RunnerEnd end;
  end.exit.emplace();
  end.finished.emplace();
  end.finished->set_state(state);
  end.finished->set_message(message);
  end.finished->set_step(9);
  return end;
}

TEST(VerdictTest, TheRunnersWordCounts) {
  RunnerEnd end = Said(v1::ATTEMPT_STATE_FAILED);
  end.finished->set_failure_class(v1::FAILURE_CLASS_NOT_FINITE);
  const v1::AttemptFinished result = Judge(end);
  EXPECT_EQ(result.state(), v1::ATTEMPT_STATE_FAILED);
  EXPECT_EQ(result.failure_class(), v1::FAILURE_CLASS_NOT_FINITE);
  EXPECT_EQ(result.message(), "word");
  EXPECT_EQ(result.step(), 9);
}

TEST(VerdictTest, TheProcessTellsItsMemory) {
  EXPECT_EQ(Judge(Killed(SIGSEGV)).peak_memory_bytes(), int64_t{300} << 20);
  RunnerEnd never_started;
  EXPECT_EQ(Judge(never_started).peak_memory_bytes(), 0);
}

TEST(VerdictTest, SuccessIsSuccessWhateverWasAskedTooLate) {
  for (const Ending ending :
       {Ending::kCancelled, Ending::kPreempted, Ending::kTimeLimit, Ending::kLeaseEnded}) {
    RunnerEnd end = Said(v1::ATTEMPT_STATE_SUCCEEDED);
    end.ending = ending;
    EXPECT_EQ(Judge(end).state(), v1::ATTEMPT_STATE_SUCCEEDED);
  }
}

TEST(VerdictTest, StoppedAsAsked) {
  RunnerEnd end = Said(v1::ATTEMPT_STATE_CANCELLED);
  end.reason = "why";
  end.ending = Ending::kCancelled;
  EXPECT_EQ(Judge(end).state(), v1::ATTEMPT_STATE_CANCELLED);
  EXPECT_EQ(Judge(end).message(), "why");
  end.ending = Ending::kPreempted;  // a model in memory knows only one way to stop
  EXPECT_EQ(Judge(end).state(), v1::ATTEMPT_STATE_PREEMPTED);
  end.ending = Ending::kIdle;
  EXPECT_EQ(Judge(end).state(), v1::ATTEMPT_STATE_SUCCEEDED);
  end.ending = Ending::kTimeLimit;
  EXPECT_EQ(Judge(end).failure_class(), v1::FAILURE_CLASS_TIMED_OUT);
}

TEST(VerdictTest, AStrangersKillIsACrashAndSaysHowMuchMemoryThereWas) {
  RunnerEnd end = Killed(SIGKILL);
  end.log_tail = "last words";
  const v1::AttemptFinished result = Judge(end);
  EXPECT_EQ(result.failure_class(), v1::FAILURE_CLASS_BACKEND_CRASH);
  EXPECT_EQ(result.step(), 7);
  EXPECT_THAT(result.message(),
              AllOf(HasSubstr("SIGKILL"), HasSubstr("300 MiB"), HasSubstr("after step 7"),
                    HasSubstr("last words"), Not(HasSubstr("kernel"))));
}

TEST(VerdictTest, AKillByTheKernelIsOutOfMemory) {
  RunnerEnd end = Killed(SIGKILL);
  end.out_of_memory_kill = true;
  EXPECT_EQ(Judge(end).failure_class(), v1::FAILURE_CLASS_OUT_OF_MEMORY);
  end.exit->signal = SIGSEGV;  // somebody else's misfortune
  EXPECT_EQ(Judge(end).failure_class(), v1::FAILURE_CLASS_BACKEND_CRASH);
}

TEST(VerdictTest, WhatTheAgentKilled) {
  RunnerEnd end = Killed(SIGKILL);
  end.reason = "why";
  const auto judged = [&end](Ending ending) {
    end.ending = ending;
    return Judge(end);
  };
  EXPECT_EQ(judged(Ending::kHung).failure_class(), v1::FAILURE_CLASS_TIMED_OUT);
  EXPECT_EQ(judged(Ending::kTimeLimit).failure_class(), v1::FAILURE_CLASS_TIMED_OUT);
  EXPECT_EQ(judged(Ending::kMemory).failure_class(), v1::FAILURE_CLASS_OUT_OF_MEMORY);
  EXPECT_EQ(judged(Ending::kLeaseEnded).state(), v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_EQ(judged(Ending::kPreempted).state(), v1::ATTEMPT_STATE_PREEMPTED);
  EXPECT_THAT(judged(Ending::kCancelled).message(), HasSubstr("why"));
  EXPECT_EQ(judged(Ending::kCancelled).state(), v1::ATTEMPT_STATE_CANCELLED);
}

TEST(VerdictTest, AnExitWithoutAWordIsACrash) {
  RunnerEnd end = Killed(0);
  end.exit->code = 3;
  EXPECT_EQ(Judge(end).failure_class(), v1::FAILURE_CLASS_BACKEND_CRASH);
  EXPECT_THAT(Judge(end).message(), HasSubstr("exited with code 3"));
}

}  // namespace
}  // namespace shoal::agent
