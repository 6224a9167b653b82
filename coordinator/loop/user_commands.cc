#include "coordinator/loop/user_commands.h"

#include "coordinator/store/checkpoint_rows.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/request_rows.h"
#include "coordinator/store/run_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal::loop {
namespace {

// The stored answer of a repeated request into `response`; true when there is one. An id that was
// used for something else is for the caller to hear: `answer`.
absl::StatusOr<bool> Repeated(Step& step, const std::string& request_id, const std::string& method,
                              const std::string& sha256, google::protobuf::Message& response,
                              absl::Status& answer) {
  if (request_id.empty()) return false;
  absl::StatusOr<std::optional<std::string>> stored =
      store::FindRequest(step.reading(), request_id, method, sha256);
  if (absl::IsInvalidArgument(stored.status())) {
    answer = stored.status();
    return true;
  }
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return false;
  if (!response.ParseFromString(**stored))
    return absl::DataLossError("a stored answer cannot be read");
  return true;
}

}  // namespace

absl::Status SubmitCommand::CheckBindings(Step& step) {
  std::vector<v1::DataBinding> all;
  for (const PlannedRun& run : submission_.runs) {
    all.insert(all.end(), run.row.bindings.begin(), run.row.bindings.end());
  }
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> missing,
                         store::MissingArtifacts(step.reading(), all));
  if (missing.empty()) return absl::OkStatus();
  answer_ = absl::FailedPreconditionError(StrCat("bindings: ", missing.size(),
                                                 " data files are not in the lab, the first is ",
                                                 missing.front(), "; upload them first"));
  return absl::OkStatus();
}

absl::Status SubmitCommand::AddSweep(Step& step) {
  v1::Sweep& sweep = *response_.mutable_sweep();
  sweep = submission_.sweep;
  sweep.set_sweep_id(SweepId::New(step.clock()).str());
  SHOAL_ASSIGN_OR_RETURN(std::string name, step.UniqueName(sweep.name()));
  sweep.set_name(std::move(name));
  store::SetTimestamp(step.now(), sweep.mutable_created_at());
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  SHOAL_RETURN_IF_ERROR(
      store::InsertSweep(*db, sweep, submission_.sweep_spec, submission_.submitter));
  v1::Event event;
  event.set_actor(ActorOf(submission_.submitter));
  event.set_kind("sweep.created");
  event.set_sweep_id(sweep.sweep_id());
  event.set_message(sweep.name());
  step.SweepAdded(sweep);
  return step.WriteEvent(std::move(event));
}

absl::Status SubmitCommand::AddRuns(Step& step) {
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  scheduler::RunsSubmitted event{submission_.request_id, ActorOf(submission_.submitter), {}};
  for (const PlannedRun& planned : submission_.runs) {
    store::NewRunRow row = planned.row;
    scheduler::NewRun added;
    added.run.run_id = RunId::New(step.clock());
    if (submission_.is_sweep) added.run.sweep_id = *SweepId::Parse(response_.sweep().sweep_id());
    SHOAL_ASSIGN_OR_RETURN(added.run.name, step.UniqueName(row.run.name()));
    row.run.set_run_id(added.run.run_id.str());
    row.run.set_name(added.run.name);
    row.run.set_sweep_id(added.run.sweep_id.str());
    store::SetTimestamp(step.now(), row.run.mutable_created_at());
    added.job.job_id = JobId::New(step.clock());
    added.job.run_id = added.run.run_id;
    added.job.kind = v1::JOB_KIND_TRAIN;
    added.job.needs = planned.needs;
    SHOAL_RETURN_IF_ERROR(store::InsertRun(*db, row));
    step.RunChanged(row.run.run_id());
    event.runs.push_back(std::move(added));
  }
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(event));
  if (!decision.answer.ok())
    return Annotate(decision.answer, "the scheduler refused a checked submission");
  for (const scheduler::NewRun& added : event.runs) {
    SHOAL_ASSIGN_OR_RETURN(*response_.add_runs(), store::LoadRun(*db, added.run.run_id.str()));
  }
  return absl::OkStatus();
}

absl::Status SubmitCommand::Execute(Step& step) {
  answer_ = absl::OkStatus();
  response_.Clear();
  SHOAL_ASSIGN_OR_RETURN(const bool repeated,
                         Repeated(step, submission_.request_id, submission_.method,
                                  submission_.request_sha256, response_, answer_));
  if (repeated) return absl::OkStatus();
  SHOAL_RETURN_IF_ERROR(CheckBindings(step));
  if (!answer_.ok()) return absl::OkStatus();
  if (submission_.is_sweep) SHOAL_RETURN_IF_ERROR(AddSweep(step));
  SHOAL_RETURN_IF_ERROR(AddRuns(step));
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  return store::InsertRequest(*db, submission_.request_id, submission_.method,
                              submission_.request_sha256, response_, step.now());
}

void SubmitCommand::Finish(const absl::Status& committed, const View&) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  done_(std::move(response_));
}

absl::Status CancelCommand::Execute(Step& step) {
  answer_ = absl::OkStatus();
  response_.Clear();
  const std::string sha256 = store::RequestSha256(request_);
  SHOAL_ASSIGN_OR_RETURN(const bool repeated, Repeated(step, request_.request_id(), "Cancel",
                                                       sha256, response_, answer_));
  if (repeated) return absl::OkStatus();
  scheduler::CancelRequested event{request_.request_id(), request_.actor(), request_.reason(), {}};
  for (const RunPtr& run : runs_) {
    bool unfinished = false;
    absl::Status broken;
    SHOAL_RETURN_IF_ERROR(step.reading().ForEach(
        "SELECT job_id, kind FROM job WHERE run_id = ? AND state IN (1, 2)",
        [&](const store::Statement& row) {
          absl::StatusOr<JobId> id = JobId::Parse(row.Text(0));
          if (!id.ok()) return broken.Update(id.status());
          event.job_ids.push_back(*std::move(id));
          unfinished |= row.Int(1) != v1::JOB_KIND_SERVE;
        },
        run->run_id()));
    SHOAL_RETURN_IF_ERROR(broken);
    (unfinished ? response_.add_cancelled() : response_.add_already_finished())
        ->set_run_id(run->run_id());
  }
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(event));
  answer_ = decision.answer;
  if (!answer_.ok() || request_.request_id().empty()) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  return store::InsertRequest(*db, request_.request_id(), "Cancel", sha256, response_, step.now());
}

void CancelCommand::Finish(const absl::Status& committed, const View& view) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  for (auto* list : {response_.mutable_cancelled(), response_.mutable_already_finished()}) {
    for (v1::Run& run : *list) {
      if (const RunPtr row = view.runs.Find(run.run_id()); row != nullptr) run = *row;
    }
  }
  done_(std::move(response_));
}

absl::Status ServeCommand::Execute(Step& step) {
  answer_ = absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(
      const std::optional<v1::Checkpoint> weights,
      store::NewestCheckpoint(step.reading(), run_->run_id(), v1::CHECKPOINT_KIND_WEIGHTS));
  if (!weights) {
    answer_ = absl::FailedPreconditionError(
        spec::IsFinal(run_->status())
            ? StrCat("run ", run_->name(), " ended as ", spec::Name(run_->status()),
                     " without saving any weights")
            : StrCat("run ", run_->name(), " has no weights yet: it is at step ", run_->step(),
                     " of ", run_->total_steps(), " and has not saved its first checkpoint"));
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(const v1::RunSpec spec, store::LoadSpec(step.reading(), run_->run_id()));
  scheduler::ServeRequested event;
  SHOAL_ASSIGN_OR_RETURN(event.run.run_id, RunId::Parse(run_->run_id()));
  if (!run_->sweep_id().empty()) {
    SHOAL_ASSIGN_OR_RETURN(event.run.sweep_id, SweepId::Parse(run_->sweep_id()));
  }
  event.run.name = run_->name();
  event.job.job_id = JobId::New(step.clock());
  event.job.run_id = event.run.run_id;
  event.job.kind = v1::JOB_KIND_SERVE;
  event.job.needs = ServeNeeds(spec, idle_timeout_);
  event.actor = actor_;
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(event));
  answer_ = decision.answer;
  return absl::OkStatus();
}

void ServeCommand::Finish(const absl::Status& committed, const View& view) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  const scheduler::JobRecord* job = view.state.FindServeJob(*RunId::Parse(run_->run_id()));
  if (job == nullptr)
    return done_(absl::UnavailableError("the model's serve job has just ended; try again"));
  done_(job->job_id);
}

absl::Status ArtifactCommand::Execute(Step& step) {
  answer_ = absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(const Digest digest, Digest::FromHex(artifact_.sha256()));
  // Between upload and here the loop may have removed the same content as garbage.
  if (files_.SizeOf(digest) != artifact_.size_bytes()) {
    answer_ =
        absl::AbortedError(StrCat("artifact ", artifact_.sha256(), " went away; upload it again"));
    return absl::OkStatus();
  }
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  return store::InsertArtifact(*db, artifact_, step.now());
}

void ArtifactCommand::Finish(const absl::Status& committed, const View&) {
  done_(committed.ok() ? answer_ : committed);
}

}  // namespace shoal::loop
