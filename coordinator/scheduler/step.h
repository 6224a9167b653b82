// Inside the scheduler: one decision in the making. Every handler emits updates through it and sees
// them at once in `state`, so that later parts of the same decision (placement above all) stand on
// the earlier ones.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "coordinator/scheduler/decide.h"
#include "coordinator/scheduler/retry_policy.h"

namespace shoal::scheduler {

class Step {
 public:
  // `apply` changes `state`. All references outlive the step.
  Step(const Config& the_config, const State& the_state, absl::Time the_now,
       std::function<void(const Update&)> apply)
      : config(the_config), state(the_state), now(the_now), apply_(std::move(apply)) {}

  void Emit(Update update);
  void Wake(const WorkerId& worker_id);
  void Notify(const RunId& run_id);
  void EndServe(const AttemptKey& key, std::string reason);
  Decision Take() { return std::move(decision); }

  const Config& config;
  const State& state;
  const absl::Time now;
  Decision decision;
  bool room_may_have_changed = false;  // only then queued jobs are looked at

 private:
  const std::function<void(const Update&)> apply_;
  std::set<std::pair<char, std::string>> told_;  // effects already asked for
};

// --- leases.cc
absl::Time LeaseEnd(const Step& step);  // of a lease that is given or renewed now
absl::Time SilentAt(const Config& config, const WorkerRecord& worker);  // when it counts as OFFLINE
void RenewLeasesOf(Step& step, const WorkerSynchronized& event);
void ExpireLeases(Step& step);    // ends every attempt whose lease is over, as LOST
void RenewAllLeases(Step& step);  // CoordinatorStarted

// --- attempts.cc
absl::Status OnReport(Step& step, const AttemptReported& event);
// Ends the job's live attempt and sends the job where the retry policy says.
void EndAttempt(Step& step, const JobId& job_id, v1::AttemptState state,
                v1::FailureClass failure_class, const std::string& message,
                bool worker_began_anew = false);
void LoseAttemptsOf(Step& step, const WorkerId& worker_id, const std::string& why,
                    bool worker_began_anew);

// --- workers.cc
absl::Status OnRegistered(Step& step, const WorkerRegistered& event);
absl::Status OnSynchronized(Step& step, const WorkerSynchronized& event);
absl::Status OnLeft(Step& step, const WorkerLeft& event);
absl::Status OnDrain(Step& step, const DrainRequested& event);
void MarkSilentWorkersOffline(Step& step);

// --- queue.cc
absl::Status OnSubmitted(Step& step, const RunsSubmitted& event);
absl::Status OnCancel(Step& step, const CancelRequested& event);
// True when the request id was used before: the decision is marked, and nothing more is to be done.
bool IsRepeated(Step& step, const std::string& request_id);
absl::Status OnServe(Step& step, const ServeRequested& event);
absl::Status OnIdle(Step& step, const ServeIdle& event);
void PlaceJobs(Step& step);            // leases what PlanQueued finds
void RefreshUnmetReasons(Step& step);  // of all queued jobs; after the set of workers changed

// --- control.cc
absl::Status OnPause(Step& step, const PauseRequested& event);
absl::Status OnResume(Step& step, const ResumeRequested& event);
absl::Status OnRetry(Step& step, const RetryRequested& event);

}  // namespace shoal::scheduler
