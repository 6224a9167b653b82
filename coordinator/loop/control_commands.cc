#include "coordinator/loop/control_commands.h"

#include <vector>

#include "coordinator/loop/repeated.h"
#include "coordinator/store/request_rows.h"
#include "coordinator/store/scheduler_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/fields.h"

namespace shoal::loop {
namespace {

using scheduler::EndedJob;
using scheduler::JobRecord;
using scheduler::StopWish;

// The run's jobs that have not ended; pointers are valid until the next decision.
absl::StatusOr<std::vector<const JobRecord*>> LivingJobs(Step& step, const std::string& run_id) {
  std::vector<const JobRecord*> jobs;
  absl::Status broken;
  SHOAL_RETURN_IF_ERROR(step.reading().ForEach(
      "SELECT job_id FROM job WHERE run_id = ? AND state IN (1, 2)",
      [&](const store::Statement& row) {
        const absl::StatusOr<JobId> id = JobId::Parse(row.Text(0));
        if (!id.ok()) return broken.Update(id.status());
        if (const JobRecord* job = step.ahead().FindJob(*id); job != nullptr) jobs.push_back(job);
      },
      run_id));
  if (!broken.ok()) return broken;
  return jobs;
}

// A verb's event in the making. Add: the jobs of one run that it concerns; false when there is none
// (but serve jobs, which go along unseen). The lists are those of its response.
template <typename Verb>
struct Wish;

template <>
struct Wish<CancelVerb> {
  static constexpr char kMethod[] = "Cancel";
  static auto& Concerned(v1::CancelResponse& response) { return *response.mutable_cancelled(); }
  static auto& Others(v1::CancelResponse& response) { return *response.mutable_already_finished(); }

  explicit Wish(const v1::CancelRequest& request)
      : event{request.request_id(), request.actor(), request.reason(), {}} {}
  absl::StatusOr<bool> Add(Step& step, const std::string& run_id) {
    SHOAL_ASSIGN_OR_RETURN(const auto jobs, LivingJobs(step, run_id));
    bool concerned = false;
    for (const JobRecord* job : jobs) {
      event.job_ids.push_back(job->job_id);
      concerned |= job->kind != v1::JOB_KIND_SERVE;
    }
    return concerned;
  }
  scheduler::CancelRequested event;
};

template <>
struct Wish<PauseVerb> {
  static constexpr char kMethod[] = "Pause";
  static auto& Concerned(v1::PauseResponse& response) { return *response.mutable_paused(); }
  static auto& Others(v1::PauseResponse& response) { return *response.mutable_unchanged(); }

  explicit Wish(const v1::PauseRequest& request)
      : event{request.request_id(), request.actor(), {}} {}
  absl::StatusOr<bool> Add(Step& step, const std::string& run_id) {
    SHOAL_ASSIGN_OR_RETURN(const auto jobs, LivingJobs(step, run_id));
    bool concerned = false;
    for (const JobRecord* job : jobs) {
      if (job->kind != v1::JOB_KIND_TRAIN || job->paused || job->stop != StopWish::kNone) continue;
      event.job_ids.push_back(job->job_id);
      concerned = true;
    }
    return concerned;
  }
  scheduler::PauseRequested event;
};

template <>
struct Wish<ResumeVerb> {
  static constexpr char kMethod[] = "Resume";
  static auto& Concerned(v1::ResumeResponse& response) { return *response.mutable_resumed(); }
  static auto& Others(v1::ResumeResponse& response) { return *response.mutable_unchanged(); }

  explicit Wish(const v1::ResumeRequest& request)
      : event{request.request_id(), request.actor(), {}} {}
  absl::StatusOr<bool> Add(Step& step, const std::string& run_id) {
    SHOAL_ASSIGN_OR_RETURN(const auto jobs, LivingJobs(step, run_id));
    bool concerned = false;
    for (const JobRecord* job : jobs) {
      if (!job->paused) continue;
      event.job_ids.push_back(job->job_id);
      concerned = true;
    }
    return concerned;
  }
  scheduler::ResumeRequested event;
};

template <>
struct Wish<RetryVerb> {
  static constexpr char kMethod[] = "Retry";
  static auto& Concerned(v1::RetryResponse& response) { return *response.mutable_retried(); }
  static auto& Others(v1::RetryResponse& response) { return *response.mutable_unchanged(); }

  explicit Wish(const v1::RetryRequest& request)
      : event{request.request_id(), request.actor(), {}}, failed_only(request.failed_only()) {}
  absl::StatusOr<bool> Add(Step& step, const std::string& run_id) {
    SHOAL_ASSIGN_OR_RETURN(std::vector<EndedJob> jobs,
                           store::LoadEndedJobs(step.reading(), run_id));
    bool concerned = false;
    for (EndedJob& ended : jobs) {
      const v1::JobState state = ended.job.state;
      if (ended.job.kind != v1::JOB_KIND_TRAIN || state == v1::JOB_STATE_SUCCEEDED ||
          (failed_only && state == v1::JOB_STATE_CANCELLED)) {
        continue;
      }
      event.jobs.push_back(std::move(ended));
      concerned = true;
    }
    return concerned;
  }
  scheduler::RetryRequested event;
  const bool failed_only;
};

// By id or name; null: none.
const scheduler::WorkerRecord* FindWorker(const scheduler::State& state, const std::string& text) {
  if (const auto* worker = state.FindWorkerByName(text); worker != nullptr) return worker;
  const absl::StatusOr<WorkerId> id = WorkerId::Parse(text);
  return id.ok() ? state.FindWorker(*id) : nullptr;
}

absl::Status NoSuchWorker(const scheduler::State& state, const std::string& text) {
  std::vector<std::string> names;
  for (const auto& [id, worker] : state.workers()) names.push_back(worker.name);
  const auto nearest = spec::Nearest(text, names);
  return absl::NotFoundError(StrCat("there is no worker \"", text, "\"; ",
                                    nearest ? StrCat("did you mean ", *nearest, "?")
                                            : std::string("`shoal workers` shows what there is")));
}

}  // namespace

template <typename Verb>
absl::Status ControlCommand<Verb>::Execute(Step& step) {
  answer_ = absl::OkStatus();
  response_.Clear();
  const std::string sha256 = store::RequestSha256(request_);
  SHOAL_ASSIGN_OR_RETURN(
      const bool repeated,
      Repeated(step, request_.request_id(), Wish<Verb>::kMethod, sha256, response_, answer_));
  if (repeated) return absl::OkStatus();
  Wish<Verb> wish(request_);
  for (const RunPtr& run : runs_) {
    SHOAL_ASSIGN_OR_RETURN(const bool concerned, wish.Add(step, run->run_id()));
    auto& list = concerned ? Wish<Verb>::Concerned(response_) : Wish<Verb>::Others(response_);
    list.Add()->set_run_id(run->run_id());
  }
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision, step.Decide(std::move(wish.event)));
  answer_ = decision.answer;
  if (!answer_.ok() || request_.request_id().empty()) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  return store::InsertRequest(*db, request_.request_id(), Wish<Verb>::kMethod, sha256, response_,
                              step.now());
}

template <typename Verb>
void ControlCommand<Verb>::Finish(const absl::Status& committed, const View& view) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  for (auto* list : {&Wish<Verb>::Concerned(response_), &Wish<Verb>::Others(response_)}) {
    for (v1::Run& run : *list) {
      if (const RunPtr row = view.runs.Find(run.run_id()); row != nullptr) run = *row;
    }
  }
  done_(std::move(response_));
}

template class ControlCommand<CancelVerb>;
template class ControlCommand<PauseVerb>;
template class ControlCommand<ResumeVerb>;
template class ControlCommand<RetryVerb>;

absl::Status DrainCommand::Execute(Step& step) {
  answer_ = absl::OkStatus();
  response_.Clear();
  const std::string sha256 = store::RequestSha256(request_);
  SHOAL_ASSIGN_OR_RETURN(const bool repeated, Repeated(step, request_.request_id(), "DrainWorker",
                                                       sha256, response_, answer_));
  if (repeated) return absl::OkStatus();
  const scheduler::WorkerRecord* worker = FindWorker(step.ahead(), request_.worker());
  if (worker == nullptr) {
    answer_ = NoSuchWorker(step.ahead(), request_.worker());
    return absl::OkStatus();
  }
  const WorkerId worker_id = worker->worker_id;
  response_.mutable_worker()->set_worker_id(worker_id.str());
  SHOAL_ASSIGN_OR_RETURN(const scheduler::Decision decision,
                         step.Decide(scheduler::DrainRequested{.request_id = request_.request_id(),
                                                               .actor = request_.actor(),
                                                               .worker_id = worker_id,
                                                               .undo = request_.undo()}));
  answer_ = decision.answer;
  if (!answer_.ok() || request_.request_id().empty()) return absl::OkStatus();
  SHOAL_ASSIGN_OR_RETURN(store::Database * db, step.writing());
  return store::InsertRequest(*db, request_.request_id(), "DrainWorker", sha256, response_,
                              step.now());
}

void DrainCommand::Finish(const absl::Status& committed, const View&) {
  if (!committed.ok()) return done_(committed);
  if (!answer_.ok()) return done_(answer_);
  done_(response_.worker().worker_id());
}

}  // namespace shoal::loop
