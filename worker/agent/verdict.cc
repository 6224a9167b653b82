#include "worker/agent/verdict.h"

#include <csignal>

#include "core/base/strings.h"

namespace shoal::agent {
namespace {

v1::AttemptFinished Failed(v1::FailureClass failure_class, std::string message) {
  v1::AttemptFinished result;
  result.set_state(v1::ATTEMPT_STATE_FAILED);
  result.set_failure_class(failure_class);
  result.set_message(std::move(message));
  return result;
}

v1::AttemptFinished Ended(v1::AttemptState state, std::string message) {
  v1::AttemptFinished result;
  result.set_state(state);
  result.set_message(std::move(message));
  return result;
}

std::string Mebibytes(int64_t bytes) { return StrCat((bytes + (1 << 19)) >> 20, " MiB"); }

// The runner is gone, nobody asked it to be, and it has left no word.
v1::AttemptFinished JudgeCrash(const RunnerEnd& end) {
  std::string message =
      StrCat("the runner ", end.exit.has_value() ? end.exit->ToString() : "did not start");
  if (end.step > 0) StrAppend(message, " after step ", end.step);
  const bool killed = end.exit.has_value() && end.exit->signal == SIGKILL;
  if (killed)
    StrAppend(message, "; its memory had reached ", Mebibytes(end.exit->peak_memory_bytes));
  if (killed && end.out_of_memory_kill) {
    StrAppend(message,
              ", and the kernel ran out of it. Use a smaller batch or model, or a larger worker");
  }
  if (!end.log_tail.empty()) StrAppend(message, "; the end of its log:\n", end.log_tail);
  return Failed(killed && end.out_of_memory_kill ? v1::FAILURE_CLASS_OUT_OF_MEMORY
                                                 : v1::FAILURE_CLASS_BACKEND_CRASH,
                std::move(message));
}

// The runner had to be killed.
v1::AttemptFinished JudgeKilled(const RunnerEnd& end) {
  switch (end.ending) {
    case Ending::kPreempted:
      return Ended(
          v1::ATTEMPT_STATE_PREEMPTED,
          StrCat(end.reason, end.exit.has_value() ? "; no checkpoint was saved in time" : ""));
    case Ending::kLeaseEnded:
      return Ended(v1::ATTEMPT_STATE_PREEMPTED, end.reason);
    case Ending::kIdle:
      return Ended(v1::ATTEMPT_STATE_SUCCEEDED, end.reason);
    case Ending::kCancelled:
      return Ended(
          v1::ATTEMPT_STATE_CANCELLED,
          StrCat(end.reason, end.exit.has_value() ? "; the runner did not stop by itself" : ""));
    case Ending::kHung:
    case Ending::kTimeLimit:
      return Failed(v1::FAILURE_CLASS_TIMED_OUT, end.reason);
    case Ending::kMemory:
      return Failed(v1::FAILURE_CLASS_OUT_OF_MEMORY, end.reason);
    case Ending::kNone:
    case Ending::kDropped:
      break;
  }
  return JudgeCrash(end);
}

v1::AttemptFinished JudgeWord(const v1::Finished& word, const RunnerEnd& end) {
  const bool stopped =
      word.state() == v1::ATTEMPT_STATE_CANCELLED || word.state() == v1::ATTEMPT_STATE_PREEMPTED;
  // A model in memory has nothing to save: it says CANCELLED to whoever stops it.
  if (stopped && end.ending == Ending::kIdle) return Ended(v1::ATTEMPT_STATE_SUCCEEDED, end.reason);
  if (stopped && end.ending == Ending::kPreempted)
    return Ended(v1::ATTEMPT_STATE_PREEMPTED, word.message());
  if (stopped && end.ending == Ending::kCancelled)
    return Ended(v1::ATTEMPT_STATE_CANCELLED, end.reason);
  if (stopped && end.ending == Ending::kTimeLimit)
    return Failed(v1::FAILURE_CLASS_TIMED_OUT, end.reason);
  v1::AttemptFinished result = Ended(word.state(), word.message());
  result.set_failure_class(word.failure_class());
  return result;
}

}  // namespace

v1::AttemptFinished Judge(const RunnerEnd& end) {
  v1::AttemptFinished result =
      end.finished.has_value() ? JudgeWord(*end.finished, end) : JudgeKilled(end);
  result.set_step(end.finished.has_value() && end.finished->step() > 0 ? end.finished->step()
                                                                       : end.step);
  if (end.exit.has_value()) result.set_peak_memory_bytes(end.exit->peak_memory_bytes);
  return result;
}

}  // namespace shoal::agent
