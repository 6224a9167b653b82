#include <unistd.h>

#include "coordinator/rpc/generate.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/series_stream.h"
#include "coordinator/rpc/services.h"
#include "coordinator/rpc/waiting.h"
#include "coordinator/rpc/watch.h"
#include "coordinator/store/detail_rows.h"
#include "coordinator/store/event_rows.h"
#include "coordinator/store/proto_time.h"
#include "coordinator/store/run_rows.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal::rpc {
namespace {
constexpr int kProtocolVersion = 1;
constexpr int kMostEvents = 10000;

absl::Status AddDetails(store::Database& db, v1::ListRunsResponse& list) {
  for (const v1::Run& run : list.runs()) {
    SHOAL_ASSIGN_OR_RETURN(*list.add_details(), store::LoadInputs(db, run.run_id()));
  }
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* LabServiceImpl::GetLab(Context* context, const v1::GetLabRequest*,
                                                 v1::GetLabResponse* response) {
  const loop::LabStatus status = loop_.Status();
  response->set_version(info_.version);
  response->set_build_id(info_.build_id);
  response->set_data_dir(info_.data_dir);
  response->set_schema_version(store_.schema_version());
  response->set_protocol_version(kProtocolVersion);
  response->set_pid(getpid());
  store::SetTimestamp(info_.started_at, response->mutable_started_at());
  response->set_ready_workers(status.ready_workers);
  response->set_slots(status.slots);
  response->set_slots_used(status.slots_used);
  response->set_queued_jobs(status.queued_jobs);
  response->set_running_jobs(status.running_jobs);
  response->set_refused_stale_reports(status.refused_stale_reports);
  store::SetTimestamp(info_.clock->Now(), response->mutable_now());
  return Reply(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* LabServiceImpl::ListRuns(Context* context,
                                                   const v1::ListRunsRequest* request,
                                                   v1::ListRunsResponse* response) {
  absl::StatusOr<v1::ListRunsResponse> list = loop_.runs().List(*request);
  if (!list.ok()) return Reply(context, list.status());
  const loop::LabStatus lab = loop_.Status();
  for (v1::Run& run : *list->mutable_runs()) TellWhyItWaits(lab, run);
  *response = *std::move(list);
  if (!request->with_details()) return Reply(context, absl::OkStatus());
  Unary* reactor = context->DefaultReactor();
  const absl::Status posted = store_.readers().Post([reactor, response](store::Database& db) {
    reactor->Finish(ToGrpc(AddDetails(db, *response)));
  });
  if (!posted.ok()) reactor->Finish(ToGrpc(posted));
  return reactor;
}

grpc::ServerUnaryReactor* LabServiceImpl::GetRun(Context* context, const v1::GetRunRequest* request,
                                                 v1::RunDetail* response) {
  const absl::StatusOr<loop::RunPtr> run = loop_.runs().ResolveOne(request->run());
  if (!run.ok()) return Reply(context, run.status());
  return ReadFor(context->DefaultReactor(), store_.readers(), response,
                 [this, id = (*run)->run_id()](store::Database& db) {
                   absl::StatusOr<v1::RunDetail> detail = store::LoadRunDetail(db, id);
                   if (detail.ok()) TellWhyItWaits(loop_.Status(), *detail->mutable_run());
                   return detail;
                 });
}

grpc::ServerUnaryReactor* LabServiceImpl::ListSweeps(Context* context,
                                                     const v1::ListSweepsRequest* request,
                                                     v1::ListSweepsResponse* response) {
  return Reply(context, loop_.runs().ListSweeps(*request), response);
}

grpc::ServerUnaryReactor* LabServiceImpl::ListWorkers(Context* context,
                                                      const v1::ListWorkersRequest*,
                                                      v1::ListWorkersResponse* response) {
  for (v1::Worker& worker : loop_.Status().workers) *response->add_workers() = std::move(worker);
  return Reply(context, absl::OkStatus());
}

grpc::ServerWriteReactor<v1::GetSeriesResponse>* LabServiceImpl::GetSeries(
    Context*, const v1::GetSeriesRequest* request) {
  return StartGetSeries(loop_, store_, *request);
}

grpc::ServerWriteReactor<v1::WatchResponse>* LabServiceImpl::Watch(
    Context*, const v1::WatchRequest* request) {
  return StartWatch({loop_, store_, followers_}, *request);
}

grpc::ServerWriteReactor<v1::ReadLogsResponse>* LabServiceImpl::ReadLogs(
    Context*, const v1::ReadLogsRequest* request) {
  return StartReadLogs({loop_, store_, followers_}, *request);
}

grpc::ServerUnaryReactor* LabServiceImpl::ReadEvents(Context* context,
                                                     const v1::ReadEventsRequest* request,
                                                     v1::ReadEventsResponse* response) {
  std::string run_id;
  if (!request->run().empty()) {
    const absl::StatusOr<loop::RunPtr> run = loop_.runs().ResolveOne(request->run());
    if (!run.ok()) return Reply(context, run.status());
    run_id = (*run)->run_id();
  }
  const int limit = request->limit() > 0 ? std::min(request->limit(), kMostEvents) : 100;
  const auto read = [after = request->after_event_id(), run_id,
                     limit](store::Database& db) -> absl::StatusOr<v1::ReadEventsResponse> {
    SHOAL_ASSIGN_OR_RETURN(std::vector<v1::Event> events,
                           store::ReadEvents(db, after, run_id, limit));
    v1::ReadEventsResponse answer;
    for (v1::Event& event : events) *answer.add_events() = std::move(event);
    return answer;
  };
  return ReadFor(context->DefaultReactor(), store_.readers(), response, read);
}

grpc::ServerWriteReactor<v1::GenerateEvent>* LabServiceImpl::Generate(
    Context*, const v1::GenerateRequest* request) {
  return StartGenerate(loop_, broker_, *request);
}

grpc::ServerUnaryReactor* LabServiceImpl::Shutdown(Context* context,
                                                   const v1::ShutdownRequest* request,
                                                   v1::ShutdownResponse*) {
  if (!info_.allow_shutdown || context->peer().rfind("unix:", 0) != 0) {
    return Reply(context,
                 absl::PermissionDeniedError("this lab is stopped where it was started, not over "
                                             "the network: `shoal down` works for "
                                             "the embedded lab of your own data folder"));
  }
  info_.on_shutdown(*request);
  return Reply(context, absl::OkStatus());
}

}  // namespace shoal::rpc
