// LabService: what people do to runs that are there, and to workers.
#include <memory>
#include <utility>

#include "coordinator/loop/control_commands.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/services.h"

namespace shoal::rpc {

template <typename Command, typename Request, typename Response>
grpc::ServerUnaryReactor* LabServiceImpl::Control(Context* context, const Request& request,
                                                  Response* response) {
  absl::StatusOr<loop::Rows> runs = loop_.runs().Resolve(request.targets());
  if (!runs.ok()) return Reply(context, runs.status());
  if (request.targets().empty())
    return Reply(context, absl::InvalidArgumentError("targets: name at least one run or sweep"));
  Unary* reactor = context->DefaultReactor();
  return PostFor(
      reactor, loop_,
      std::make_unique<Command>(request, *std::move(runs), FinishWith(reactor, response)));
}

grpc::ServerUnaryReactor* LabServiceImpl::Cancel(Context* context, const v1::CancelRequest* request,
                                                 v1::CancelResponse* response) {
  return Control<loop::CancelCommand>(context, *request, response);
}

grpc::ServerUnaryReactor* LabServiceImpl::Pause(Context* context, const v1::PauseRequest* request,
                                                v1::PauseResponse* response) {
  return Control<loop::PauseCommand>(context, *request, response);
}

grpc::ServerUnaryReactor* LabServiceImpl::Resume(Context* context, const v1::ResumeRequest* request,
                                                 v1::ResumeResponse* response) {
  return Control<loop::ResumeCommand>(context, *request, response);
}

grpc::ServerUnaryReactor* LabServiceImpl::Retry(Context* context, const v1::RetryRequest* request,
                                                v1::RetryResponse* response) {
  return Control<loop::RetryCommand>(context, *request, response);
}

grpc::ServerUnaryReactor* LabServiceImpl::DrainWorker(Context* context,
                                                      const v1::DrainWorkerRequest* request,
                                                      v1::DrainWorkerResponse* response) {
  Unary* reactor = context->DefaultReactor();
  auto done = [this, reactor, response](absl::StatusOr<std::string> worker_id) {
    if (worker_id.ok()) {
      for (v1::Worker& worker : loop_.Status().workers) {
        if (worker.worker_id() == *worker_id) *response->mutable_worker() = std::move(worker);
      }
    }
    reactor->Finish(ToGrpc(worker_id.status()));
  };
  return PostFor(reactor, loop_, std::make_unique<loop::DrainCommand>(*request, std::move(done)));
}

}  // namespace shoal::rpc
