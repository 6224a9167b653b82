#include "coordinator/loop/submit_commands.h"

#include "coordinator/loop/repeated.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/request_rows.h"
#include "coordinator/store/run_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/search_space.h"

namespace shoal::loop {
namespace {

std::vector<std::string> Lines(const google::protobuf::RepeatedPtrField<std::string>& lines) {
  return {lines.begin(), lines.end()};
}

}  // namespace

void SubmitCommand::Forget() {
  answer_ = absl::OkStatus();
  response_.Clear();
  present_.clear();
  used_runs_.clear();
  next_index_ = 0;
  members_.clear();
}

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

absl::Status SubmitCommand::WriteSweepEvent(Step& step, const char* kind, const std::string& run_id,
                                            const std::string& message) {
  v1::Event event;
  event.set_actor(ActorOf(submission_.submitter));
  event.set_kind(kind);
  event.set_run_id(run_id);
  event.set_sweep_id(response_.sweep().sweep_id());
  event.set_message(message);
  return step.WriteEvent(std::move(event));
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
  return WriteSweepEvent(step, "sweep.created", "", sweep.name());
}

absl::Status SubmitCommand::MatchTrials(Step& step) {
  store::Database& db = step.reading();
  const std::string& sweep_id = submission_.sweep.sweep_id();
  SHOAL_ASSIGN_OR_RETURN(const v1::SweepSpec stored, store::LoadSweepSpec(db, sweep_id));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<store::SweepMember> members,
                         store::LoadMembers(db, sweep_id));
  std::map<std::vector<std::string>, std::string> key_of;  // by what sets a trial apart
  const absl::StatusOr<std::vector<spec::Trial>> trials = spec::ExpandSweep(stored);
  if (trials.ok()) {
    for (const spec::Trial& trial : *trials) key_of[trial.differing] = spec::TrialKey(trial);
  }
  std::map<std::string, size_t> planned;
  for (size_t i = 0; i < submission_.runs.size(); ++i) planned[submission_.runs[i].key] = i;
  for (store::SweepMember member : members) {
    next_index_ = std::max(next_index_, member.trial_index + 1);
    used_runs_.insert(member.run_id);
    const auto key = key_of.find(member.differing);
    const auto place = key == key_of.end() ? planned.end() : planned.find(key->second);
    if (place == planned.end()) {
      answer_ = absl::FailedPreconditionError(StrCat(
          "sweep: trial ", member.trial_index, " (", StrJoin(member.differing, ", "),
          ") is there and would not be in the sweep any more; an extension only adds: "
          "keep every value that it has, and submit what is different as a sweep of its own"));
      return absl::OkStatus();
    }
    present_.insert(place->second);
    std::vector<std::string> differing = Lines(submission_.runs[place->second].row.run.differing());
    if (differing == member.differing) continue;
    member.differing = std::move(differing);
    members_.push_back(std::move(member));
  }
  return absl::OkStatus();
}

absl::Status SubmitCommand::ExtendSweep(Step& step) {
  v1::Sweep& sweep = *response_.mutable_sweep();
  sweep = submission_.sweep;
  const auto added = static_cast<int32_t>(submission_.runs.size() - present_.size());
  sweep.set_run_count(next_index_ + added);
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  SHOAL_RETURN_IF_ERROR(store::UpdateSweep(*db, sweep, submission_.sweep_spec));
  for (const store::SweepMember& member : members_) {
    SHOAL_RETURN_IF_ERROR(store::UpdateMember(*db, member));
    step.RunChanged(member.run_id);
  }
  return WriteSweepEvent(step, "sweep.extended", "", StrCat(sweep.name(), ": ", added, " runs"));
}

absl::StatusOr<SubmitCommand::Added> SubmitCommand::AddRun(Step& step, const PlannedRun& planned,
                                                           int32_t trial_index,
                                                           scheduler::RunsSubmitted& event) {
  store::NewRunRow row = planned.row;
  if (!submission_.no_reuse) {
    SHOAL_ASSIGN_OR_RETURN(const std::optional<std::string> reusable,
                           store::FindReusable(step.reading(), row.run.request_digest(), row.spec));
    if (reusable && used_runs_.insert(*reusable).second) return Added{*reusable, true};
  }
  scheduler::NewRun added;
  added.run.run_id = RunId::New(step.clock());
  if (submission_.is_sweep) {
    SHOAL_ASSIGN_OR_RETURN(added.run.sweep_id, SweepId::Parse(response_.sweep().sweep_id()));
  }
  SHOAL_ASSIGN_OR_RETURN(added.run.name, step.UniqueName(row.run.name()));
  row.run.set_run_id(added.run.run_id.str());
  row.run.set_name(added.run.name);
  row.run.set_sweep_id(added.run.sweep_id.str());
  row.run.set_trial_index(trial_index);
  store::SetTimestamp(step.now(), row.run.mutable_created_at());
  added.job.job_id = JobId::New(step.clock());
  added.job.run_id = added.run.run_id;
  added.job.kind = v1::JOB_KIND_TRAIN;
  added.job.needs = planned.needs;
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  SHOAL_RETURN_IF_ERROR(store::InsertRun(*db, row));
  event.runs.push_back(std::move(added));
  return Added{row.run.run_id(), false};
}

absl::Status SubmitCommand::AddMember(Step& step, const PlannedRun& planned, int32_t trial_index,
                                      const Added& added) {
  store::SweepMember member{response_.sweep().sweep_id(), trial_index, added.run_id,
                            Lines(planned.row.run.differing()), added.reused};
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  SHOAL_RETURN_IF_ERROR(store::InsertMember(*db, member));
  if (added.reused) {
    SHOAL_RETURN_IF_ERROR(
        WriteSweepEvent(step, "run.reused", added.run_id, planned.row.run.name()));
  }
  members_.push_back(std::move(member));
  return absl::OkStatus();
}

absl::Status SubmitCommand::AddRuns(Step& step) {
  scheduler::RunsSubmitted event{submission_.request_id, ActorOf(submission_.submitter), {}};
  std::vector<Added> all;
  for (size_t i = 0; i < submission_.runs.size(); ++i) {
    if (present_.contains(i)) continue;
    const int32_t trial_index = submission_.is_sweep ? next_index_++ : 0;
    SHOAL_ASSIGN_OR_RETURN(Added added, AddRun(step, submission_.runs[i], trial_index, event));
    if (submission_.is_sweep) {
      SHOAL_RETURN_IF_ERROR(AddMember(step, submission_.runs[i], trial_index, added));
    }
    step.RunChanged(added.run_id);
    all.push_back(std::move(added));
  }
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(event));
  if (!decision.answer.ok())
    return Annotate(decision.answer, "the scheduler refused a checked submission");
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  for (size_t i = 0; i < all.size(); ++i) {
    v1::Run& run = *response_.add_runs();
    SHOAL_ASSIGN_OR_RETURN(run, store::LoadRun(*db, all[i].run_id));
    run.set_reused(all[i].reused);
    if (!submission_.is_sweep || !all[i].reused) continue;
    const store::SweepMember& member = members_[members_.size() - all.size() + i];
    run.set_sweep_id(member.sweep_id);
    run.set_trial_index(member.trial_index);
    run.mutable_differing()->Assign(member.differing.begin(), member.differing.end());
  }
  return absl::OkStatus();
}

absl::Status SubmitCommand::Execute(Step& step) {
  Forget();
  SHOAL_ASSIGN_OR_RETURN(const bool repeated,
                         Repeated(step, submission_.request_id, submission_.method,
                                  submission_.request_sha256, response_, answer_));
  if (repeated) return absl::OkStatus();
  SHOAL_RETURN_IF_ERROR(CheckBindings(step));
  if (answer_.ok() && submission_.is_extension) SHOAL_RETURN_IF_ERROR(MatchTrials(step));
  if (!answer_.ok()) return absl::OkStatus();
  if (submission_.is_sweep) {
    SHOAL_RETURN_IF_ERROR(submission_.is_extension ? ExtendSweep(step) : AddSweep(step));
  }
  SHOAL_RETURN_IF_ERROR(AddRuns(step));
  if (submission_.is_sweep) step.SweepChanged(response_.sweep(), members_);
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  return store::InsertRequest(*db, submission_.request_id, submission_.method,
                              submission_.request_sha256, response_, step.now());
}

void SubmitCommand::Finish(const absl::Status& committed, const View&) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  done_(std::move(response_));
}

}  // namespace shoal::loop
