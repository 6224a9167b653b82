// The two ends of interactive inference as gRPC streams: the caller's Generate and the worker's
// Serve.
#pragma once

#include <grpcpp/grpcpp.h>

#include "coordinator/loop/loop.h"
#include "coordinator/rpc/serve_broker.h"
#include "shoal/v1/inference.pb.h"
#include "shoal/v1/worker_service.pb.h"

namespace shoal::rpc {

// Both return a reactor that lives until its call is done. `loop` and `broker` must outlive it.
grpc::ServerWriteReactor<v1::GenerateEvent>* StartGenerate(loop::Loop& loop, ServeBroker& broker,
                                                           const v1::GenerateRequest& request);
grpc::ServerBidiReactor<v1::ServeUp, v1::ServeDown>* StartServe(loop::Loop& loop,
                                                                ServeBroker& broker);

}  // namespace shoal::rpc
