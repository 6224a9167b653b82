// One line of text for each update and event.
#include <string>

#include "coordinator/scheduler/event.h"
#include "coordinator/scheduler/update.h"
#include "core/base/strings.h"
#include "core/spec/job_state.h"

namespace shoal::scheduler {
namespace {

std::string Text(const AttemptKey& key) {
  return StrCat(key.job_id.str(), "/", key.attempt_number);
}

std::string Reason(const std::string& reason) { return reason.empty() ? "" : StrCat(": ", reason); }

std::string_view StateName(v1::WorkerState state) {
  switch (state) {
    case v1::WORKER_STATE_READY:
      return "READY";
    case v1::WORKER_STATE_DRAINING:
      return "DRAINING";
    case v1::WORKER_STATE_OFFLINE:
      return "OFFLINE";
    default:
      return "UNSPECIFIED";
  }
}

struct UpdateText {
  std::string operator()(const RequestRecorded& u) const {
    return StrCat("request ", u.request_id, " recorded");
  }
  std::string operator()(const RunAdded& u) const {
    return StrCat("run ", u.run.name, " ", u.run.run_id.str(), " added");
  }
  std::string operator()(const JobAdded& u) const {
    return StrCat("job ", u.job.job_id.str(), " of ", u.run.name, " added, ", u.job.needs.slots,
                  " slots, place ", u.job.submit_order);
  }
  std::string operator()(const JobChanged& u) const {
    return StrCat("job ", u.job.job_id.str(), " ", spec::Name(u.from), " -> ",
                  spec::Name(u.job.state), " (failures ", u.job.failures, ", losses ", u.job.losses,
                  ", stop ", static_cast<int>(u.job.stop), u.job.paused ? ", paused)" : ")",
                  Reason(u.job.state_reason));
  }
  std::string operator()(const JobRetried& u) const {
    return StrCat("job ", u.job.job_id.str(), " ", spec::Name(u.from), " -> ",
                  spec::Name(u.job.state), " again, after attempt ", u.job.attempt_count,
                  ", place ", u.job.submit_order, Reason(u.job.state_reason));
  }
  std::string operator()(const AttemptAdded& u) const {
    return StrCat("attempt ", Text(u.attempt.key), " leased to ", u.attempt.worker_name);
  }
  std::string operator()(const AttemptChanged& u) const {
    return StrCat("attempt ", Text(u.attempt.key), " ", spec::Name(u.from), " -> ",
                  spec::Name(u.attempt.state), Reason(u.attempt.message));
  }
  std::string operator()(const CheckpointAccepted& u) const {
    return StrCat("attempt ", Text(u.key), " checkpoint at step ", u.step);
  }
  std::string operator()(const WorkerRegisteredUpdate& u) const {
    return StrCat("worker ", u.worker.name, u.announced_only ? " announced" : " registered",
                  ", instance ", u.worker.instance_id);
  }
  std::string operator()(const WorkerStateChanged& u) const {
    return StrCat("worker ", u.worker_id.str(), " ", StateName(u.from), " -> ", StateName(u.to),
                  Reason(u.reason));
  }
  std::string operator()(const WorkerDrainSet& u) const {
    return StrCat("worker ", u.worker_id.str(), u.drained ? " drained" : " no longer drained");
  }
  std::string operator()(const StaleReportRefused& u) const {
    return StrCat("refused a report of ", Text(u.key), Reason(u.message));
  }
  std::string operator()(const LeaseRenewed& u) const {
    return StrCat("lease of ", Text(u.key), " renewed");
  }
  std::string operator()(const WorkerSeen& u) const {
    return StrCat("worker ", u.worker_id.str(), " seen");
  }
};

// "pause by user:ada job-1 job-2".
std::string Asks(std::string_view verb, const std::string& actor, const std::vector<JobId>& jobs) {
  std::string text = StrCat(verb, " by ", actor);
  for (const JobId& job_id : jobs) StrAppend(text, " ", job_id.str());
  return text;
}

struct EventText {
  std::string operator()(const RunsSubmitted& e) const {
    return StrCat("submit ", e.request_id, " of ", e.runs.size(), " runs by ", e.actor);
  }
  std::string operator()(const CancelRequested& e) const {
    return Asks("cancel", e.actor, e.job_ids);
  }
  std::string operator()(const PauseRequested& e) const {
    return Asks("pause", e.actor, e.job_ids);
  }
  std::string operator()(const ResumeRequested& e) const {
    return Asks("resume", e.actor, e.job_ids);
  }
  std::string operator()(const RetryRequested& e) const {
    std::vector<JobId> job_ids;
    for (const EndedJob& ended : e.jobs) job_ids.push_back(ended.job.job_id);
    return Asks("retry", e.actor, job_ids);
  }
  std::string operator()(const DrainRequested& e) const {
    return StrCat(e.undo ? "undrain " : "drain ", e.worker_id.str(), " by ", e.actor);
  }
  std::string operator()(const WorkerRegistered& e) const {
    return StrCat("worker ", e.name, " registers, instance ", e.instance_id);
  }
  std::string operator()(const WorkerSynchronized& e) const {
    std::string text = StrCat("worker ", e.worker_id.str(), " synchronizes, holds");
    for (const HeldAttempt& held : e.held) StrAppend(text, " ", Text(held.key), "@", held.step);
    return text + (e.draining ? ", draining" : "");
  }
  std::string operator()(const WorkerLeft& e) const {
    return StrCat("worker ", e.worker_id.str(), " leaves");
  }
  std::string operator()(const AttemptReported& e) const {
    std::string text = StrCat("report of ", Text(e.key));
    if (e.started.has_value()) StrAppend(text, " started from step ", e.started->resumed_from_step);
    for (const CheckpointItem& item : e.checkpoints) StrAppend(text, " checkpoint@", item.step);
    if (e.finished.has_value()) {
      StrAppend(text, " finished ", spec::Name(e.finished->state), " ",
                spec::Name(e.finished->failure_class));
    }
    return text;
  }
  std::string operator()(const Tick&) const { return "tick"; }
  std::string operator()(const ServeRequested& e) const { return StrCat("serve ", e.run.name); }
  std::string operator()(const ServeIdle& e) const { return StrCat("idle ", e.job_id.str()); }
  std::string operator()(const CoordinatorStarted&) const { return "coordinator starts"; }
};

}  // namespace

std::string ToString(const Update& update) { return std::visit(UpdateText(), update); }
std::string ToString(const Event& event) { return std::visit(EventText(), event); }

}  // namespace shoal::scheduler
