#include "coordinator/loop/user_commands.h"

#include "coordinator/loop/repeated.h"
#include "coordinator/store/checkpoint_rows.h"
#include "coordinator/store/request_rows.h"
#include "coordinator/store/run_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal::loop {

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
