#include "coordinator/scheduler/retry_policy.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/strings.h"
#include "core/spec/job_state.h"

namespace shoal::scheduler {
namespace {

JobRecord Finish(JobRecord job, v1::JobState state, std::string reason, absl::Time now) {
  job.state = state;
  job.state_reason = std::move(reason);
  job.not_before = absl::InfinitePast();
  job.finished_at = now;
  job.paused = false;
  return job;
}

JobRecord Requeue(JobRecord job, std::string reason, absl::Time not_before) {
  job.state = v1::JOB_STATE_QUEUED;
  job.state_reason = job.paused ? StrCat(job.stop_reason, "; ", reason) : std::move(reason);
  if (job.checkpoint_step > 0)
    StrAppend(job.state_reason, "; resumes from step ", job.checkpoint_step);
  job.not_before = not_before;
  return job;
}

std::string FromStep(const JobRecord& job) {
  return job.checkpoint_step > 0 ? StrCat("step ", job.checkpoint_step) : std::string("the start");
}

JobRecord AfterLoss(const Config& config, JobRecord job, const AttemptEnd& end, absl::Time now) {
  ++job.losses;
  if (end.worker_died) ++job.takedowns_in_a_row;
  if (job.takedowns_in_a_row >= config.max_takedowns) {
    return Finish(
        job, v1::JOB_STATE_FAILED,
        StrCat(job.takedowns_in_a_row, " times in a row, its worker died while running it from ",
               FromStep(job), " (last: ", end.worker_name, "); it is not tried again"),
        now);
  }
  if (job.losses >= config.max_lost) {
    return Finish(job, v1::JOB_STATE_FAILED,
                  StrCat("lost with its worker ", job.losses, " times (last: ", end.message, ")"),
                  now);
  }
  return Requeue(std::move(job), end.message, absl::InfinitePast());
}

JobRecord AfterFailure(const Config& config, JobRecord job, const AttemptEnd& end, absl::Time now) {
  ++job.failures;
  const std::string what = StrCat(spec::Name(end.failure_class), " on ", end.worker_name,
                                  end.message.empty() ? "" : ": ", end.message);
  const auto fail = [&](const std::string& why) {
    return Finish(job, v1::JOB_STATE_FAILED, StrCat(what, why), now);
  };
  switch (end.failure_class) {
    case v1::FAILURE_CLASS_INVALID_SPEC:
    case v1::FAILURE_CLASS_NOT_FINITE:
      return fail("");
    case v1::FAILURE_CLASS_OUT_OF_MEMORY:
      if (end.worker_memory_bytes == 0 || !end.larger_worker_known)
        return fail("; no worker has more memory");
      job.memory_above_bytes = std::max(job.memory_above_bytes, end.worker_memory_bytes);
      break;
    case v1::FAILURE_CLASS_TIMED_OUT:
      if (job.needs.time_limit > absl::ZeroDuration()) {
        return fail(
            StrCat("; resources.time_limit_s is ", absl::ToInt64Seconds(job.needs.time_limit)));
      }
      break;
    case v1::FAILURE_CLASS_BACKEND_CRASH:
      ++job.crashes_in_a_row;
      if (job.crashes_in_a_row >= config.max_crashes) {
        return fail(
            StrCat("; crashed ", job.crashes_in_a_row, " times in a row from ", FromStep(job)));
      }
      break;
    default:
      break;
  }
  if (job.failures >= job.needs.max_attempts) {
    return fail(StrCat("; ", job.failures, " of ", job.needs.max_attempts, " tries failed"));
  }
  const std::string reason =
      StrCat(what, "; try ", job.failures, " of ", job.needs.max_attempts, " failed");
  const absl::Time not_before = now + Backoff(config, job.failures);
  return Requeue(std::move(job), reason, not_before);
}

}  // namespace

absl::Duration Backoff(const Config& config, int32_t failures) {
  absl::Duration wait = config.retry_backoff;
  for (int32_t i = 1; i < failures && wait < config.retry_backoff_max; ++i) wait *= 2;
  return std::min(wait, config.retry_backoff_max);
}

JobRecord AfterAttempt(const Config& config, JobRecord job, const AttemptEnd& end, absl::Time now) {
  SHOAL_CHECK(job.state == v1::JOB_STATE_RUNNING, "job ", job.job_id.str());
  if (end.state == v1::ATTEMPT_STATE_SUCCEEDED)
    return Finish(std::move(job), v1::JOB_STATE_SUCCEEDED, "", now);
  if (job.stop == StopWish::kCancel) {
    const std::string reason = job.stop_reason;
    return Finish(std::move(job), v1::JOB_STATE_CANCELLED, reason, now);
  }
  if (job.stop == StopWish::kIdle) {
    const std::string reason = job.stop_reason;
    return Finish(std::move(job), v1::JOB_STATE_SUCCEEDED, reason, now);
  }
  if (end.state == v1::ATTEMPT_STATE_LOST) return AfterLoss(config, std::move(job), end, now);
  if (end.state == v1::ATTEMPT_STATE_PREEMPTED) {
    return Requeue(std::move(job), StrCat("preempted on ", end.worker_name), absl::InfinitePast());
  }
  if (end.state == v1::ATTEMPT_STATE_CANCELLED) {
    AttemptEnd failed = end;
    failed.state = v1::ATTEMPT_STATE_FAILED;
    failed.failure_class = v1::FAILURE_CLASS_INFRASTRUCTURE;
    failed.message = StrCat("the worker stopped it without being asked",
                            end.message.empty() ? "" : ": ", end.message);
    return AfterFailure(config, std::move(job), failed, now);
  }
  SHOAL_CHECK(end.state == v1::ATTEMPT_STATE_FAILED);
  return AfterFailure(config, std::move(job), end, now);
}

}  // namespace shoal::scheduler
