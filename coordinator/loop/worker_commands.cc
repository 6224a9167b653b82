#include "coordinator/loop/worker_commands.h"

#include <algorithm>

#include "coordinator/store/checkpoint_rows.h"
#include "coordinator/store/run_rows.h"
#include "core/base/heartbeat.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::loop {
namespace {

void SetDuration(absl::Duration duration, google::protobuf::Duration* proto) {
  proto->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  proto->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

absl::Duration FromProto(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

// Requires a checked key.
scheduler::AttemptKey KeyOf(const v1::AttemptKey& key) {
  return {JobId::Parse(key.job_id()).value(), key.attempt_number()};
}

v1::StopOrder::Kind KindOf(scheduler::Stop::Kind kind) {
  switch (kind) {
    case scheduler::Stop::Kind::kCancel:
      return v1::StopOrder::KIND_CANCEL;
    case scheduler::Stop::Kind::kPreempt:
      return v1::StopOrder::KIND_PREEMPT;
    case scheduler::Stop::Kind::kKill:
      return v1::StopOrder::KIND_KILL;
  }
  return v1::StopOrder::KIND_UNSPECIFIED;
}

void SetKey(const scheduler::AttemptKey& key, v1::AttemptKey* proto) {
  proto->set_job_id(key.job_id.str());
  proto->set_attempt_number(key.attempt_number);
}

absl::Status FillAssignment(const View& view, const scheduler::AttemptKey& key,
                            v1::Assignment& assignment) {
  const scheduler::JobRecord* job = view.state.FindJob(key.job_id);
  const scheduler::RunRecord* run = job == nullptr ? nullptr : view.state.FindRun(job->run_id);
  if (run == nullptr) return absl::InternalError("an attempt without its job or run");
  SetKey(key, assignment.mutable_key());
  assignment.set_run_id(run->run_id.str());
  assignment.set_run_name(run->name);
  assignment.set_kind(job->kind);
  assignment.set_slots(job->needs.slots);
  if (job->numerics) *assignment.mutable_numerics() = *job->numerics;
  SHOAL_ASSIGN_OR_RETURN(*assignment.mutable_spec(), store::LoadSpec(view.db, run->run_id.str()));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<v1::DataBinding> bindings,
                         store::LoadBindings(view.db, run->run_id.str()));
  assignment.mutable_bindings()->Add(bindings.begin(), bindings.end());
  const bool serve = job->kind == v1::JOB_KIND_SERVE;
  SHOAL_ASSIGN_OR_RETURN(
      const std::optional<v1::Checkpoint> checkpoint,
      store::NewestCheckpoint(view.db, run->run_id.str(),
                              serve ? v1::CHECKPOINT_KIND_WEIGHTS : v1::CHECKPOINT_KIND_RESUMABLE));
  if (checkpoint)
    *(serve ? assignment.mutable_weights() : assignment.mutable_resume_from()) = *checkpoint;
  if (serve) SetDuration(job->needs.idle_timeout, assignment.mutable_idle_timeout());
  return absl::OkStatus();
}

absl::StatusOr<v1::SynchronizeResponse> Answer(const View& view,
                                               const scheduler::WorkerSynchronized& event) {
  const scheduler::Desired desired =
      scheduler::DesiredFor(view.state, event.worker_id, event.instance_id, event.held);
  v1::SynchronizeResponse response;
  for (const scheduler::AttemptKey& key : desired.start) {
    SHOAL_RETURN_IF_ERROR(FillAssignment(view, key, *response.add_start()));
  }
  for (const scheduler::Stop& stop : desired.stop) {
    v1::StopOrder& order = *response.add_stop();
    SetKey(stop.key, order.mutable_key());
    order.set_kind(KindOf(stop.kind));
    order.set_reason(stop.reason);
  }
  for (const scheduler::AttemptKey& key : desired.renewed) SetKey(key, response.add_renewed());
  SetDuration(view.config.lease, response.mutable_lease());
  SetDuration(std::min(view.config.lease / 3, kLongestHeartbeat), response.mutable_next_call());
  return response;
}

}  // namespace

absl::Status RegisterCommand::Execute(Step& step) {
  scheduler::WorkerRegistered event;
  event.proposed_id = WorkerId::New(step.clock());
  event.name = request_.worker_name();
  event.instance_id = request_.instance_id();
  event.host = request_.host();
  event.slots = request_.slots();
  event.backends.assign(request_.backends().begin(), request_.backends().end());
  event.build_id = request_.build_id();
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(event));
  answer_ = decision.answer;
  return absl::OkStatus();
}

void RegisterCommand::Finish(const absl::Status& committed, const View& view) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  const scheduler::WorkerRecord* worker = view.state.FindWorkerByName(request_.worker_name());
  if (worker == nullptr) return done_(absl::InternalError("a registered worker is not there"));
  v1::RegisterResponse response;
  response.set_worker_id(worker->worker_id.str());
  SetDuration(view.config.lease, response.mutable_lease());
  done_(std::move(response));
}

SynchronizeCommand::SynchronizeCommand(v1::SynchronizeRequest request, std::string address,
                                       Loop& loop, Callback<v1::SynchronizeResponse> done)
    : request_(std::move(request)),
      address_(std::move(address)),
      loop_(loop),
      done_(std::move(done)) {
  event_.worker_id = WorkerId::Parse(request_.worker_id()).value();
  event_.instance_id = request_.instance_id();
  event_.draining = request_.draining();
  for (const v1::HeldAttempt& held : request_.held()) {
    event_.held.push_back({KeyOf(held.key()), held.state(), held.step()});
  }
}

absl::Status SynchronizeCommand::Execute(Step& step) {
  loop_.HeardFrom(event_.worker_id, address_);
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(event_));
  answer_ = decision.answer;
  return absl::OkStatus();
}

void SynchronizeCommand::Finish(const absl::Status& committed, const View& view) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  // The worker must come back before its presence and its leases end.
  const absl::Duration max_wait = std::min(FromProto(request_.max_wait()), view.config.lease / 3);
  if (max_wait <= absl::ZeroDuration() ||
      !scheduler::DesiredFor(view.state, event_.worker_id, event_.instance_id, event_.held)
           .empty()) {
    return done_(Answer(view, event_));
  }
  loop_.Wait({event_.worker_id, view.now + max_wait,
              [done = done_, event = event_](const View& later) { done(Answer(later, event)); }});
}

absl::Status ReportCommand::CheckArtifacts(Step& step, int first) {
  for (int i = first; i < request_.items_size(); ++i) {
    if (!request_.items(i).has_checkpoint()) continue;
    const std::string& sha256 = request_.items(i).checkpoint().artifact().sha256();
    SHOAL_ASSIGN_OR_RETURN(const bool found, store::HasArtifact(step.reading(), sha256));
    if (found) continue;
    answer_ = absl::FailedPreconditionError(
        StrCat("checkpoint at step ", request_.items(i).checkpoint().step(), ": artifact ", sha256,
               " is not here; upload it, then repeat the report"));
  }
  return absl::OkStatus();
}

absl::Status ReportCommand::Record(Step& step, const scheduler::AttemptKey& key, int first) {
  const int64_t last = request_.first_sequence() + request_.items_size() - 1;
  SHOAL_ASSIGN_OR_RETURN(store::Database * db,
                         step.writing());  // points alone make no update that would have begun it
  SHOAL_ASSIGN_OR_RETURN(const store::ReportWriter::Written written,
                         step.reports().Write(request_, first, last, step.now()));
  acknowledged_ = last;
  step.RunChanged(written.run_id);
  for (const std::string& sha256 : written.removed_artifacts) step.RemoveArtifact(sha256);
  for (int i = first; i < request_.items_size(); ++i) {
    const v1::ReportItem& item = request_.items(i);
    if (item.has_checkpoint()) {
      v1::Event event;
      event.set_actor("system");
      event.set_kind("checkpoint.saved");
      event.set_job_id(key.job_id.str());
      event.set_worker_id(request_.worker_id());
      event.set_attempt_number(key.attempt_number);
      event.set_message(StrCat("step ", item.checkpoint().step()));
      SHOAL_RETURN_IF_ERROR(step.WriteEvent(std::move(event)));
    } else if (item.has_started()) {
      std::string numerics;
      SHOAL_RETURN_IF_ERROR(step.reading().ForEach(
          "SELECT numerics_class_pb FROM job WHERE job_id = ? AND kind = 1",
          [&](const store::Statement& row) { numerics = row.Blob(0); }, key.job_id.str()));
      v1::NumericsClass parsed;
      if (numerics.empty() || !parsed.ParseFromString(numerics))
        continue;  // a serve job, or a class not told
      const absl::Status fixed = store::FixFingerprint(*db, written.run_id, parsed);
      if (absl::IsInvalidArgument(fixed)) {  // an odd class is the worker's fault and stops nothing
        LogWarning("no fingerprint", {"run", written.run_id}, {"status", fixed.ToString()});
      } else if (!fixed.ok()) {
        return fixed;
      }
    } else if (item.has_finished()) {
      step.reports().Forget(key);
    }
  }
  return absl::OkStatus();
}

absl::Status ReportCommand::Execute(Step& step) {
  answer_ = absl::OkStatus();
  const scheduler::AttemptKey key = KeyOf(request_.key());
  absl::StatusOr<int64_t> recorded = step.reports().Acknowledged(key);
  if (absl::IsNotFound(recorded.status())) {
    answer_ = absl::AbortedError(StrCat(recorded.status().message(), "; stop it"));
    return absl::OkStatus();
  }
  if (!recorded.ok()) return recorded.status();
  acknowledged_ = *recorded;
  // Nothing new, or a gap: the answer says where to go on from.
  const int64_t skip = *recorded + 1 - request_.first_sequence();
  if (skip < 0 || skip >= request_.items_size()) return absl::OkStatus();
  const int first = static_cast<int>(skip);
  SHOAL_RETURN_IF_ERROR(CheckArtifacts(step, first));
  if (!answer_.ok()) return absl::OkStatus();

  scheduler::AttemptReported event;
  event.worker_id = WorkerId::Parse(request_.worker_id()).value();
  event.instance_id = request_.instance_id();
  event.key = key;
  for (int i = first; i < request_.items_size(); ++i) {
    const v1::ReportItem& item = request_.items(i);
    if (item.has_started())
      event.started = {item.started().numerics(), item.started().resumed_from_step()};
    if (item.has_checkpoint())
      event.checkpoints.push_back({item.checkpoint().kind(), item.checkpoint().step()});
    if (item.has_finished()) {
      event.finished = {item.finished().state(), item.finished().failure_class(),
                        item.finished().message()};
    }
  }
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(event));
  answer_ = decision.answer;
  return answer_.ok() ? Record(step, key, first) : absl::OkStatus();
}

void ReportCommand::Finish(const absl::Status& committed, const View&) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  v1::ReportResponse response;
  response.set_acknowledged(acknowledged_);
  done_(std::move(response));
}

}  // namespace shoal::loop
