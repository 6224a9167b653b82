#include "coordinator/store/write_transaction.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "coordinator/store/event_rows.h"
#include "coordinator/store/scheduler_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/job_state.h"

namespace shoal::store {
namespace {

std::string WorkerStateName(v1::WorkerState state) {
  switch (state) {
    case v1::WORKER_STATE_READY:
      return "READY";
    case v1::WORKER_STATE_DRAINING:
      return "DRAINING";
    case v1::WORKER_STATE_OFFLINE:
      return "OFFLINE";
    default:
      return "";
  }
}

// The line of the event log that an update deserves; none when no state changed. Run and sweep ids
// of jobs are filled in by InsertEvent.
v1::Event EventOf(const scheduler::Update& update) {
  v1::Event event;
  const auto change = [&](const char* kind, std::string_view from, std::string_view to) {
    event.set_kind(kind);
    event.set_from_state(std::string(from));
    event.set_to_state(std::string(to));
  };
  if (const auto* run = std::get_if<scheduler::RunAdded>(&update)) {
    event.set_kind("run.created");
    event.set_run_id(run->run.run_id.str());
    event.set_message(run->run.name);
  } else if (const auto* job = std::get_if<scheduler::JobAdded>(&update)) {
    change("job.state", "", spec::Name(job->job.state));
    event.set_job_id(job->job.job_id.str());
    event.set_message(std::string(spec::Name(job->job.kind)));
  } else if (const auto* changed = std::get_if<scheduler::JobChanged>(&update)) {
    if (changed->from == changed->job.state && changed->asked.empty()) return event;
    const std::string kind = changed->asked.empty() ? "job.state" : StrCat("job.", changed->asked);
    change(kind.c_str(), spec::Name(changed->from), spec::Name(changed->job.state));
    event.set_job_id(changed->job.job_id.str());
    event.set_message(changed->asked.empty() || changed->job.stop == scheduler::StopWish::kNone
                          ? changed->job.state_reason
                          : changed->job.stop_reason);
  } else if (const auto* retried = std::get_if<scheduler::JobRetried>(&update)) {
    change("job.retried", spec::Name(retried->from), spec::Name(retried->job.state));
    event.set_job_id(retried->job.job_id.str());
    event.set_message(retried->job.state_reason);
  } else if (const auto* added = std::get_if<scheduler::AttemptAdded>(&update)) {
    change("attempt.state", "", spec::Name(added->attempt.state));
    event.set_job_id(added->attempt.key.job_id.str());
    event.set_attempt_number(added->attempt.key.attempt_number);
    event.set_worker_id(added->attempt.worker_id.str());
  } else if (const auto* attempt = std::get_if<scheduler::AttemptChanged>(&update)) {
    if (attempt->from == attempt->attempt.state) return event;
    change("attempt.state", spec::Name(attempt->from), spec::Name(attempt->attempt.state));
    event.set_job_id(attempt->attempt.key.job_id.str());
    event.set_attempt_number(attempt->attempt.key.attempt_number);
    event.set_worker_id(attempt->attempt.worker_id.str());
    event.set_message(attempt->attempt.message);
  } else if (const auto* worker = std::get_if<scheduler::WorkerRegisteredUpdate>(&update)) {
    change("worker.registered", "", WorkerStateName(worker->worker.state));
    event.set_worker_id(worker->worker.worker_id.str());
    event.set_message(worker->worker.name);
  } else if (const auto* state = std::get_if<scheduler::WorkerStateChanged>(&update)) {
    change("worker.state", WorkerStateName(state->from), WorkerStateName(state->to));
    event.set_worker_id(state->worker_id.str());
    event.set_message(state->reason);
  } else if (const auto* drain = std::get_if<scheduler::WorkerDrainSet>(&update)) {
    event.set_kind(drain->drained ? "worker.drained" : "worker.undrained");
    event.set_worker_id(drain->worker_id.str());
  } else if (const auto* stale = std::get_if<scheduler::StaleReportRefused>(&update)) {
    event.set_kind("report.refused");
    event.set_job_id(stale->key.job_id.str());
    event.set_attempt_number(stale->key.attempt_number);
    event.set_worker_id(stale->worker_id.str());
    event.set_message(stale->message);
  }
  return event;
}

struct RowWriter {
  Database& db;
  absl::Status operator()(const scheduler::RequestRecorded&) const { return absl::OkStatus(); }
  absl::Status operator()(const scheduler::RunAdded&) const { return absl::OkStatus(); }
  absl::Status operator()(const scheduler::JobAdded& update) const {
    return InsertJob(db, update.job);
  }
  absl::Status operator()(const scheduler::JobChanged& update) const {
    return UpdateJob(db, update.job);
  }
  absl::Status operator()(const scheduler::JobRetried& update) const {
    return UpdateJob(db, update.job);
  }
  absl::Status operator()(const scheduler::AttemptAdded& update) const {
    return InsertAttempt(db, update.attempt);
  }
  absl::Status operator()(const scheduler::AttemptChanged& update) const {
    return UpdateAttempt(db, update.attempt);
  }
  absl::Status operator()(const scheduler::CheckpointAccepted& update) const {
    return RaiseCheckpointStep(db, update.key.job_id, update.step);
  }
  absl::Status operator()(const scheduler::WorkerRegisteredUpdate& update) const {
    return PutWorker(db, update.worker);
  }
  absl::Status operator()(const scheduler::WorkerStateChanged& update) const {
    return UpdateWorkerState(db, update.worker_id, update.to);
  }
  absl::Status operator()(const scheduler::WorkerDrainSet& update) const {
    return SetWorkerDrained(db, update.worker_id, update.drained);
  }
  absl::Status operator()(const scheduler::StaleReportRefused&) const {
    return CountStaleReport(db);
  }
  absl::Status operator()(const scheduler::LeaseRenewed&) const { return absl::OkStatus(); }
  absl::Status operator()(const scheduler::WorkerSeen&) const { return absl::OkStatus(); }
};

}  // namespace

absl::StatusOr<Database*> WriteTransaction::Open() {
  if (!transaction_) {
    SHOAL_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db_));
    transaction_.emplace(std::move(transaction));
  }
  return &db_;
}

absl::Status WriteTransaction::WriteEvent(v1::Event event, absl::Time now) {
  SHOAL_ASSIGN_OR_RETURN(Database * db, Open());
  SHOAL_ASSIGN_OR_RETURN(last_event_id_, InsertEvent(*db, event, now));
  return absl::OkStatus();
}

absl::Status WriteTransaction::WriteUpdate(const scheduler::Update& update,
                                           const std::string& actor, absl::Time now) {
  SHOAL_ASSIGN_OR_RETURN(Database * db, Open());
  SHOAL_RETURN_IF_ERROR(std::visit(RowWriter{*db}, update),
                        "writing: ", scheduler::ToString(update));
  v1::Event event = EventOf(update);
  if (event.kind().empty()) return absl::OkStatus();
  event.set_actor(actor);
  return WriteEvent(std::move(event), now);
}

absl::Status WriteTransaction::Write(const scheduler::Decision& decision, absl::Time now) {
  for (const scheduler::Update& update : decision.updates) {
    if (scheduler::IsDurable(update))
      SHOAL_RETURN_IF_ERROR(WriteUpdate(update, decision.actor, now));
    updates_.push_back(update);
  }
  return absl::OkStatus();
}

absl::StatusOr<scheduler::CommittedUpdates> WriteTransaction::Commit() {
  if (transaction_) {
    const absl::Status status = transaction_->Commit();
    transaction_.reset();
    if (!status.ok()) return status;
  }
  return scheduler::CommittedUpdates(std::move(updates_));
}

}  // namespace shoal::store
