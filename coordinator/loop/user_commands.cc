#include "coordinator/loop/user_commands.h"

#include "coordinator/store/checkpoint_rows.h"
#include "coordinator/store/run_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal::loop {

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
  if (spec.model().has_head() && spec.model().head() != "lm") {
    answer_ = absl::FailedPreconditionError(StrCat(
        "run ", run_->name(), " has head ", spec.model().head(),
        ": it does not generate text; `shoal show ", run_->name(), "` tells how good it is"));
    return absl::OkStatus();
  }
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
