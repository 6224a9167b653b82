#include "coordinator/loop/worker_commands.h"
#include "coordinator/rpc/check.h"
#include "coordinator/rpc/generate.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/services.h"

namespace shoal::rpc {

grpc::ServerUnaryReactor* WorkerServiceImpl::Register(Context* context,
                                                      const v1::RegisterRequest* request,
                                                      v1::RegisterResponse* response) {
  if (const absl::Status status = Check(*request); !status.ok()) return Reply(context, status);
  Unary* reactor = context->DefaultReactor();
  return PostFor(reactor, loop_,
                 std::make_unique<loop::RegisterCommand>(*request, FinishWith(reactor, response)));
}

grpc::ServerUnaryReactor* WorkerServiceImpl::Synchronize(Context* context,
                                                         const v1::SynchronizeRequest* request,
                                                         v1::SynchronizeResponse* response) {
  if (const absl::Status status = Check(*request); !status.ok()) return Reply(context, status);
  Unary* reactor = context->DefaultReactor();
  return PostFor(
      reactor, loop_,
      std::make_unique<loop::SynchronizeCommand>(*request, loop_, FinishWith(reactor, response)));
}

grpc::ServerUnaryReactor* WorkerServiceImpl::Report(Context* context,
                                                    const v1::ReportRequest* request,
                                                    v1::ReportResponse* response) {
  if (const absl::Status status = Check(*request); !status.ok()) return Reply(context, status);
  Unary* reactor = context->DefaultReactor();
  return PostFor(reactor, loop_,
                 std::make_unique<loop::ReportCommand>(*request, FinishWith(reactor, response)));
}

grpc::ServerBidiReactor<v1::ServeUp, v1::ServeDown>* WorkerServiceImpl::Serve(Context*) {
  return StartServe(loop_, broker_);
}

}  // namespace shoal::rpc
