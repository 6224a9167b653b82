// LabService: who waits for what, and why.
#include <memory>
#include <utility>

#include "coordinator/loop/user_commands.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/services.h"
#include "coordinator/scheduler/explain.h"
#include "coordinator/store/event_rows.h"
#include "coordinator/store/proto_time.h"
#include "core/base/status.h"
#include "core/base/strings.h"
#include "core/spec/run_status.h"

namespace shoal::rpc {
namespace {

using scheduler::AttemptRecord;
using scheduler::JobRecord;

v1::Job Describe(const JobRecord& record) {
  v1::Job job;
  job.set_job_id(record.job_id.str());
  job.set_run_id(record.run_id.str());
  job.set_kind(record.kind);
  job.set_state(record.state);
  job.set_state_reason(record.state_reason);
  job.set_attempt_count(record.attempt_count);
  store::SetTimestamp(record.created_at, job.mutable_created_at());
  if (record.numerics.has_value()) *job.mutable_numerics() = *record.numerics;
  job.set_paused(record.paused);
  return job;
}

v1::QueueEntry Describe(const loop::View& view, const scheduler::QueueLine& line) {
  const JobRecord& job = *view.state.FindJob(line.job_id);
  v1::QueueEntry entry;
  *entry.mutable_job() = Describe(job);
  entry.set_slots(job.needs.slots);
  entry.set_waits_for(line.waits_for);
  entry.set_jobs_ahead(line.jobs_ahead);
  if (const auto* run = view.state.FindRun(job.run_id); run != nullptr)
    entry.set_run_name(run->name);
  if (const loop::RunPtr row = view.runs.Find(job.run_id.str()); row != nullptr)
    entry.set_submitted_by(row->submitted_by());
  if (const AttemptRecord* attempt = view.state.FindAttempt(job.job_id)) {
    entry.set_worker_name(attempt->worker_name);
    store::SetTimestamp(attempt->leased_at, entry.mutable_since());
  }
  return entry;
}

// Since when those wait that do not run: the event log knows.
absl::Status FillSince(store::Database& db, v1::ListQueueResponse& response) {
  for (v1::QueueEntry& entry : *response.mutable_entries()) {
    if (entry.has_since()) continue;
    SHOAL_ASSIGN_OR_RETURN(const absl::Time since,
                           store::InStateSince(db, entry.job().run_id(), entry.job().job_id()));
    store::SetTimestamp(since, entry.mutable_since());
  }
  return absl::OkStatus();
}

// The text of the first column of the first row; "" without a row.
template <typename... Values>
std::string ReadText(const loop::View& view, std::string_view sql, const Values&... values) {
  std::string text;
  view.db
      .ForEach(
          sql, [&](const store::Statement& row) { text = row.Text(0); }, values...)
      .IgnoreError();
  return text;
}

std::string NameOf(const loop::View& view, const JobId& job_id) {
  const JobRecord* job = view.state.FindJob(job_id);
  const scheduler::RunRecord* run = job == nullptr ? nullptr : view.state.FindRun(job->run_id);
  return run == nullptr ? job_id.str() : run->name;
}

std::string EndedText(const v1::Run& run) {
  std::string text = StrCat(run.name(), " has ended: ", spec::Name(run.status()));
  if (!run.status_reason().empty()) StrAppend(text, ", ", run.status_reason());
  if (run.status() != v1::RUN_STATUS_SUCCEEDED)
    StrAppend(text, "; `shoal retry ", run.name(), "` queues it again");
  return text;
}

// `run`: its train job is meant, unless `job_id` says which.
v1::ExplainResponse ExplainRun(const loop::View& view, const v1::Run& run, std::string job_id) {
  if (job_id.empty()) {
    job_id = ReadText(
        view, "SELECT job_id FROM job WHERE run_id = ? AND kind <> 2 ORDER BY submit_order DESC",
        run.run_id());
  }
  v1::ExplainResponse response;
  const absl::StatusOr<JobId> id = JobId::Parse(job_id);
  const scheduler::Explanation explanation =
      id.ok() ? scheduler::ExplainJob(view.state, *id, view.now) : scheduler::Explanation();
  response.set_summary(explanation.summary.empty() ? EndedText(run)
                                                   : StrCat(run.name(), ": ", explanation.summary));
  for (const scheduler::Verdict& verdict : explanation.workers) {
    v1::WorkerVerdict& worker = *response.add_workers();
    worker.set_worker_name(verdict.worker_name);
    worker.set_suitable(verdict.suitable);
    worker.set_reason(verdict.reason);
  }
  for (const JobId& ahead : explanation.ahead) response.add_ahead(NameOf(view, ahead));
  return response;
}

}  // namespace

grpc::ServerUnaryReactor* LabServiceImpl::ListQueue(Context* context, const v1::ListQueueRequest*,
                                                    v1::ListQueueResponse* response) {
  Unary* reactor = context->DefaultReactor();
  const auto look = [this, reactor, response](const loop::View& view) {
    for (const scheduler::QueueLine& line : scheduler::ListQueue(view.state, view.now)) {
      *response->add_entries() = Describe(view, line);
    }
    const absl::Status posted = store_.readers().Post([reactor, response](store::Database& db) {
      reactor->Finish(ToGrpc(FillSince(db, *response)));
    });
    if (!posted.ok()) reactor->Finish(ToGrpc(posted));
  };
  return PostFor(reactor, loop_, std::make_unique<loop::LookCommand>(look));
}

grpc::ServerUnaryReactor* LabServiceImpl::Explain(Context* context,
                                                  const v1::ExplainRequest* request,
                                                  v1::ExplainResponse* response) {
  const bool is_job = JobId::Parse(request->target()).ok();
  absl::StatusOr<loop::RunPtr> run = nullptr;
  if (!is_job) {
    run = loop_.runs().ResolveOne(request->target());
    if (!run.ok()) return Reply(context, run.status());
  }
  Unary* reactor = context->DefaultReactor();
  const auto look = [reactor, response, run = *run,
                     job_id = is_job ? request->target() : std::string()](const loop::View& view) {
    const loop::RunPtr known =
        run != nullptr
            ? view.runs.Find(run->run_id())
            : view.runs.Find(ReadText(view, "SELECT run_id FROM job WHERE job_id = ?", job_id));
    if (known == nullptr) {
      return reactor->Finish(ToGrpc(absl::NotFoundError(StrCat("there is no job ", job_id))));
    }
    *response = ExplainRun(view, *known, job_id);
    reactor->Finish(grpc::Status::OK);
  };
  return PostFor(reactor, loop_, std::make_unique<loop::LookCommand>(look));
}

}  // namespace shoal::rpc
