#include "coordinator/scheduler/explain.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "coordinator/scheduler/placement.h"
#include "coordinator/scheduler/requirement.h"
#include "core/base/heartbeat.h"
#include "core/base/strings.h"

namespace shoal::scheduler {
namespace {

constexpr int64_t kMib = int64_t{1} << 20;

std::string Seconds(absl::Duration duration) { return absl::FormatDuration(duration); }

std::string RunName(const State& state, const JobId& job_id) {
  const JobRecord* job = state.FindJob(job_id);
  const RunRecord* run = job == nullptr ? nullptr : state.FindRun(job->run_id);
  return run == nullptr ? job_id.str() : run->name;
}

// "has been silent for 45s", of a worker that should have spoken again; "" of others.
std::string SilenceOf(const WorkerRecord& worker, absl::Time now) {
  if (!IsSilent(worker, now)) return "";
  const absl::Duration silence = now - worker.last_seen_at;
  return StrCat("has been silent for ", Seconds(absl::Trunc(silence, absl::Seconds(1))));
}

// A job that placement passes over holds nobody up: it waits for its backoff, or no worker fits.
bool IsPassedOver(const JobRecord& job, absl::Time now) {
  return job.not_before > now || job.state_reason.starts_with(kUnmetPrefix);
}

std::vector<JobId> AheadOf(const State& state, const JobRecord& job, absl::Time now) {
  std::vector<JobId> ahead;
  for (const State::QueuePlace& place : state.queue()) {
    if (place.job_id == job.job_id) return ahead;
    if (!IsPassedOver(*state.FindJob(place.job_id), now)) ahead.push_back(place.job_id);
  }
  return ahead;
}

// --- the lab

struct Slots {
  int32_t all = 0;
  int32_t used = 0;
  int workers = 0;
  std::string silent{};  // "; worker nora has been silent for 45s", of each that is
};

Slots ReadySlots(const State& state, absl::Time now) {
  Slots slots;
  for (const auto& [id, worker] : state.workers()) {
    if (!TakesWork(worker)) continue;
    ++slots.workers;
    slots.all += worker.slots;
    slots.used += state.LoadOf(id).slots;
    if (const std::string silence = SilenceOf(worker, now); !silence.empty())
      StrAppend(slots.silent, "; worker ", worker.name, " ", silence);
  }
  return slots;
}

std::string NoWorkerText(const State& state) {
  for (const auto& [id, worker] : state.workers()) {
    if (worker.drained && worker.state == v1::WORKER_STATE_DRAINING) {
      return StrCat("no worker takes jobs: ", worker.name, " is drained; `shoal workers undrain ",
                    worker.name, "` ends that");
    }
  }
  return "no worker is ready; `shoal up` starts one on this machine";
}

// What helps when no worker fits: by what they lack, when they all lack the same.
std::string Remedy(const State& state, const JobRecord& job) {
  std::optional<Lack> lack;
  for (const auto& [id, worker] : state.workers()) {
    if (!TakesWork(worker)) continue;
    const Lack here = LackOf(job, worker);
    if (lack.has_value() && *lack != here)
      return "start a worker that fits, or launch it with smaller `resources`";
    lack = here;
  }
  switch (lack.value_or(Lack::kNothing)) {
    case Lack::kNothing:
      return "";
    case Lack::kSlots:
      return StrCat("start a worker with --slots ", job.needs.slots,
                    " or more, or launch it with a smaller resources.slots");
    case Lack::kMemory:
      return "start a worker on a machine with more memory, or launch a smaller model or batch";
    case Lack::kBackend:
      return "`shoal workers` lists the backends there are; launch it with resources.backend=auto "
             "or one of them";
    case Lack::kNumberFormat:
      return "launch it with train.dtype=auto or f32";
    case Lack::kNumericsClass:
      return "it goes on when a worker of the same kind is back; launched anew it runs on any";
  }
  return "";
}

// --- one job

// What disturbs a running job; "" when nothing does.
std::string DisturbanceOf(const State& state, const JobRecord& job, const AttemptRecord& attempt,
                          absl::Time now) {
  if (job.stop != StopWish::kNone) return StrCat("it is being stopped: ", job.stop_reason);
  if (job.paused) return StrCat("it saves a checkpoint and stops: ", job.stop_reason);
  const WorkerRecord* worker = state.FindWorker(attempt.worker_id);
  const std::string silence = worker == nullptr ? "" : SilenceOf(*worker, now);
  if (silence.empty()) return "";
  const absl::Duration left = std::max(attempt.lease_expires_at - now, absl::ZeroDuration());
  return StrCat("worker ", attempt.worker_name, " ", silence,
                "; if it stays so, another takes over in ",
                Seconds(absl::Trunc(left, absl::Seconds(1))));
}

std::string RunningText(const State& state, const JobRecord& job, const AttemptRecord& attempt,
                        absl::Time now) {
  const std::string disturbance = DisturbanceOf(state, job, attempt, now);
  return StrCat("attempt ", attempt.key.attempt_number, " on worker ", attempt.worker_name,
                disturbance.empty() ? "" : "; ", disturbance);
}

std::string WaitingText(const State& state, const JobRecord& job, const Slots& slots, size_t ahead,
                        absl::Time now) {
  if (job.paused) {
    return StrCat(job.state_reason, "; `shoal resume ", RunName(state, job.job_id),
                  "` lets it go on");
  }
  if (job.not_before > now) {
    return StrCat("tried again in ", Seconds(absl::Ceil(job.not_before - now, absl::Seconds(1))),
                  ": ", job.state_reason);
  }
  if (slots.workers == 0) return NoWorkerText(state);
  if (job.state_reason.starts_with(kUnmetPrefix)) return job.state_reason;
  const std::string need =
      job.needs.slots == 1 ? "a free slot" : StrCat(job.needs.slots, " free slots of one worker");
  const std::string before =
      ahead == 0 ? "it is first in the queue"
                 : StrCat(ahead, ahead == 1 ? " job is" : " jobs are", " ahead of it");
  return StrCat("waits for ", need, " (", slots.used, " of ", slots.all, " in use); ", before,
                slots.silent);
}

// The runs that hold a worker's slots: "tiny-L2, tiny-L4 and 3 more".
std::string HoldersOf(const State& state, const WorkerId& worker_id) {
  constexpr size_t kNamed = 3;
  const std::set<JobId>& job_ids = state.LoadOf(worker_id).job_ids;
  std::string text;
  size_t named = 0;
  for (const JobId& job_id : job_ids) {
    if (named++ == kNamed) break;
    StrAppend(text, text.empty() ? "" : ", ", RunName(state, job_id));
  }
  if (job_ids.size() > kNamed) StrAppend(text, " and ", job_ids.size() - kNamed, " more");
  return text;
}

// Why a suitable worker does not start the job now; "" when it would.
std::string Hindrance(const State& state, const JobRecord& job, const WorkerRecord& worker,
                      const PlacementPlan& plan, absl::Time now) {
  if (worker.state == v1::WORKER_STATE_OFFLINE) return "is not there";
  if (worker.drained)
    return StrCat("is drained; `shoal workers undrain ", worker.name, "` ends that");
  if (worker.state == v1::WORKER_STATE_DRAINING) return "shuts down";
  if (!worker.present) return "has not spoken since the coordinator began anew";
  if (std::string silence = SilenceOf(worker, now); !silence.empty()) return silence;
  const State::Load& load = state.LoadOf(worker.worker_id);
  const int32_t free_slots = worker.slots - load.slots;
  if (free_slots < job.needs.slots) {
    return StrCat(free_slots, " of ", worker.slots, " slots free, ", job.needs.slots,
                  job.needs.slots == 1 ? " needed" : " needed at once", "; held by ",
                  HoldersOf(state, worker.worker_id));
  }
  const int64_t free_memory = worker.host.memory_bytes() - load.memory_bytes;
  if (worker.host.memory_bytes() > 0 && job.needs.memory_bytes > free_memory) {
    return StrCat(free_memory / kMib, " MiB of memory free, ", job.needs.memory_bytes / kMib,
                  " needed; held by ", HoldersOf(state, worker.worker_id));
  }
  for (const Placement& reservation : plan.reservations) {
    if (reservation.worker_id == worker.worker_id && reservation.job_id != job.job_id)
      return StrCat("is kept free for ", RunName(state, reservation.job_id), ", which is ahead");
  }
  return "";
}

std::vector<Verdict> VerdictsOn(const State& state, const JobRecord& job, absl::Time now) {
  const PlacementPlan plan = PlanQueued(state, now);
  const AttemptRecord* attempt = state.FindAttempt(job.job_id);
  std::vector<Verdict> verdicts;
  for (const auto& [id, worker] : state.workers()) {
    Verdict verdict{.worker_name = worker.name, .suitable = LackOf(job, worker) == Lack::kNothing};
    if (!verdict.suitable) {
      verdict.reason = LackText(job, worker);
    } else if (attempt == nullptr) {
      verdict.reason = Hindrance(state, job, worker, plan, now);
    } else if (attempt->worker_id != id) {
      verdict.reason = StrCat("it runs on ", attempt->worker_name);
    } else {
      verdict.reason = SilenceOf(worker, now);
    }
    verdicts.push_back(std::move(verdict));
  }
  std::sort(verdicts.begin(), verdicts.end(),
            [](const Verdict& a, const Verdict& b) { return a.worker_name < b.worker_name; });
  return verdicts;
}

std::string TextOf(const State& state, const JobRecord& job, size_t ahead, absl::Time now) {
  if (const AttemptRecord* attempt = state.FindAttempt(job.job_id))
    return RunningText(state, job, *attempt, now);
  return WaitingText(state, job, ReadySlots(state, now), ahead, now);
}

}  // namespace

Explanation ExplainJob(const State& state, const JobId& job_id, absl::Time now) {
  const JobRecord* job = state.FindJob(job_id);
  if (job == nullptr) return {};
  Explanation explanation;
  if (job->state == v1::JOB_STATE_QUEUED && !job->paused)
    explanation.ahead = AheadOf(state, *job, now);
  explanation.summary = TextOf(state, *job, explanation.ahead.size(), now);
  if (explanation.summary.starts_with(kUnmetPrefix))
    StrAppend(explanation.summary, "; ", Remedy(state, *job));
  explanation.workers = VerdictsOn(state, *job, now);
  return explanation;
}

std::string Explain(const State& state, const JobId& job_id, absl::Time now) {
  const JobRecord* job = state.FindJob(job_id);
  if (job == nullptr) return "";
  return TextOf(state, *job, AheadOf(state, *job, now).size(), now);
}

std::vector<QueueLine> ListQueue(const State& state, absl::Time now) {
  std::vector<const JobRecord*> running;
  std::vector<const JobRecord*> paused;
  for (const auto& [id, job] : state.jobs()) {
    if (job.state == v1::JOB_STATE_RUNNING) {
      running.push_back(&job);
    } else if (job.paused) {
      paused.push_back(&job);
    }
  }
  const auto by_place = [](const JobRecord* a, const JobRecord* b) {
    return a->submit_order < b->submit_order;
  };
  std::sort(running.begin(), running.end(), by_place);
  std::sort(paused.begin(), paused.end(), by_place);
  const Slots slots = ReadySlots(state, now);
  std::vector<QueueLine> lines;
  int32_t ahead = 0;
  const auto add = [&](const JobRecord& job, int32_t jobs_ahead) {
    lines.push_back(
        {.job_id = job.job_id,
         .waits_for = WaitingText(state, job, slots, static_cast<size_t>(jobs_ahead), now),
         .jobs_ahead = jobs_ahead});
  };
  for (const JobRecord* job : running) {
    lines.push_back({.job_id = job->job_id,
                     .waits_for = DisturbanceOf(state, *job, *state.FindAttempt(job->job_id), now),
                     .jobs_ahead = 0});
  }
  for (const State::QueuePlace& place : state.queue()) {
    const JobRecord& job = *state.FindJob(place.job_id);
    add(job, ahead);
    if (!IsPassedOver(job, now)) ++ahead;
  }
  for (const JobRecord* job : paused) add(*job, 0);
  return lines;
}

}  // namespace shoal::scheduler
