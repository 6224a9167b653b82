// The two streams that follow the lab: Watch (runs and events) and ReadLogs.
#pragma once

#include <grpcpp/grpcpp.h>

#include "coordinator/loop/loop.h"
#include "coordinator/rpc/followers.h"
#include "coordinator/store/store.h"
#include "shoal/v1/lab_service.pb.h"

namespace shoal::rpc {

// What the streams need; outlives them.
struct FollowContext {
  loop::Loop& loop;
  store::Store& store;
  Followers& followers;
};

// Both return a reactor that lives until its call is done.
grpc::ServerWriteReactor<v1::WatchResponse>* StartWatch(const FollowContext& context,
                                                        const v1::WatchRequest& request);
grpc::ServerWriteReactor<v1::ReadLogsResponse>* StartReadLogs(const FollowContext& context,
                                                              const v1::ReadLogsRequest& request);

}  // namespace shoal::rpc
