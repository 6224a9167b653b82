// The three services. Methods check, post or read, and finish; what they decide is decided in
// coordinator/loop.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "coordinator/loop/loop.h"
#include "coordinator/rpc/followers.h"
#include "coordinator/rpc/serve_broker.h"
#include "coordinator/store/store.h"
#include "shoal/v1/artifact_service.grpc.pb.h"
#include "shoal/v1/lab_service.grpc.pb.h"
#include "shoal/v1/worker_service.grpc.pb.h"

namespace shoal::rpc {

// Constant facts for GetLab, and what to do about Shutdown.
struct LabInfo {
  std::string version;
  std::string build_id;
  std::string data_dir;
  absl::Time started_at;
  const Clock* clock = nullptr;  // never null
  bool allow_shutdown = false;
  std::function<void(const v1::ShutdownRequest&)> on_shutdown;  // thread-safe, must not wait
};

// All services are thread-safe; what they refer to must outlive them.
class LabServiceImpl final : public v1::LabService::CallbackService {
 public:
  LabServiceImpl(LabInfo info, loop::Loop& loop, store::Store& store, Followers& followers,
                 ServeBroker& broker)
      : info_(std::move(info)),
        loop_(loop),
        store_(store),
        followers_(followers),
        broker_(broker) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* GetLab(Context* context, const v1::GetLabRequest* request,
                v1::GetLabResponse* response) override;
  Unary* SubmitRun(Context* context, const v1::SubmitRunRequest* request,
                   v1::SubmitRunResponse* response) override;
  Unary* SubmitSweep(Context* context, const v1::SubmitSweepRequest* request,
                     v1::SubmitSweepResponse* response) override;
  Unary* ExtendSweep(Context* context, const v1::ExtendSweepRequest* request,
                     v1::SubmitSweepResponse* response) override;
  Unary* GetSweep(Context* context, const v1::GetSweepRequest* request,
                  v1::Sweep* response) override;
  Unary* Cancel(Context* context, const v1::CancelRequest* request,
                v1::CancelResponse* response) override;
  Unary* Pause(Context* context, const v1::PauseRequest* request,
               v1::PauseResponse* response) override;
  Unary* Resume(Context* context, const v1::ResumeRequest* request,
                v1::ResumeResponse* response) override;
  Unary* Retry(Context* context, const v1::RetryRequest* request,
               v1::RetryResponse* response) override;
  Unary* DrainWorker(Context* context, const v1::DrainWorkerRequest* request,
                     v1::DrainWorkerResponse* response) override;
  Unary* ListQueue(Context* context, const v1::ListQueueRequest* request,
                   v1::ListQueueResponse* response) override;
  Unary* Explain(Context* context, const v1::ExplainRequest* request,
                 v1::ExplainResponse* response) override;
  Unary* ListRuns(Context* context, const v1::ListRunsRequest* request,
                  v1::ListRunsResponse* response) override;
  Unary* GetRun(Context* context, const v1::GetRunRequest* request,
                v1::RunDetail* response) override;
  // dataset_calls.cc
  Unary* CreateDataset(Context* context, const v1::CreateDatasetRequest* request,
                       v1::Dataset* response) override;
  Unary* GetDataset(Context* context, const v1::GetDatasetRequest* request,
                    v1::Dataset* response) override;
  Unary* ListDatasets(Context* context, const v1::ListDatasetsRequest* request,
                      v1::ListDatasetsResponse* response) override;
  Unary* ListSweeps(Context* context, const v1::ListSweepsRequest* request,
                    v1::ListSweepsResponse* response) override;
  Unary* ListWorkers(Context* context, const v1::ListWorkersRequest* request,
                     v1::ListWorkersResponse* response) override;
  grpc::ServerWriteReactor<v1::GetSeriesResponse>* GetSeries(
      Context* context, const v1::GetSeriesRequest* request) override;
  grpc::ServerWriteReactor<v1::WatchResponse>* Watch(Context* context,
                                                     const v1::WatchRequest* request) override;
  grpc::ServerWriteReactor<v1::ReadLogsResponse>* ReadLogs(
      Context* context, const v1::ReadLogsRequest* request) override;
  Unary* ReadEvents(Context* context, const v1::ReadEventsRequest* request,
                    v1::ReadEventsResponse* response) override;
  grpc::ServerWriteReactor<v1::GenerateEvent>* Generate(
      Context* context, const v1::GenerateRequest* request) override;
  Unary* Shutdown(Context* context, const v1::ShutdownRequest* request,
                  v1::ShutdownResponse* response) override;

 private:
  template <typename Command, typename Request, typename Response>
  Unary* Control(Context* context, const Request& request, Response* response);

  const LabInfo info_;
  loop::Loop& loop_;
  store::Store& store_;
  Followers& followers_;
  ServeBroker& broker_;
};

class WorkerServiceImpl final : public v1::WorkerService::CallbackService {
 public:
  WorkerServiceImpl(loop::Loop& loop, ServeBroker& broker) : loop_(loop), broker_(broker) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* Register(Context* context, const v1::RegisterRequest* request,
                  v1::RegisterResponse* response) override;
  Unary* Synchronize(Context* context, const v1::SynchronizeRequest* request,
                     v1::SynchronizeResponse* response) override;
  Unary* Report(Context* context, const v1::ReportRequest* request,
                v1::ReportResponse* response) override;
  grpc::ServerBidiReactor<v1::ServeUp, v1::ServeDown>* Serve(Context* context) override;

 private:
  loop::Loop& loop_;
  ServeBroker& broker_;
};

class ArtifactServiceImpl final : public v1::ArtifactService::CallbackService {
 public:
  ArtifactServiceImpl(loop::Loop& loop, store::Store& store) : loop_(loop), store_(store) {}

  using Context = grpc::CallbackServerContext;

  grpc::ServerReadReactor<v1::PutArtifactRequest>* Put(Context* context,
                                                       v1::PutArtifactResponse* response) override;
  grpc::ServerWriteReactor<v1::GetArtifactResponse>* Get(
      Context* context, const v1::GetArtifactRequest* request) override;
  grpc::ServerUnaryReactor* Find(Context* context, const v1::FindArtifactsRequest* request,
                                 v1::FindArtifactsResponse* response) override;

 private:
  loop::Loop& loop_;
  store::Store& store_;
};

}  // namespace shoal::rpc
