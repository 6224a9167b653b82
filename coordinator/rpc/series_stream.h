// GetSeries: whole curves as a stream of messages.
#pragma once

#include <grpcpp/grpcpp.h>

#include "coordinator/loop/loop.h"
#include "coordinator/store/store.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::rpc {

// Lists the run's blocks in one transaction and reads them as fast as the client takes them: one
// message is in memory, however long the curves are. The reactor lives until its call is done.
grpc::ServerWriteReactor<v1::GetSeriesResponse>* StartGetSeries(
    loop::Loop& loop, store::Store& store, const v1::GetSeriesRequest& request);

}  // namespace shoal::rpc
