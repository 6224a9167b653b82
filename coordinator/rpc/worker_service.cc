#include <algorithm>
#include <string_view>

#include "coordinator/loop/worker_commands.h"
#include "coordinator/rpc/check.h"
#include "coordinator/rpc/generate.h"
#include "coordinator/rpc/reply.h"
#include "coordinator/rpc/services.h"

namespace shoal::rpc {
namespace {

// gRPC's "ipv4:192.0.2.7:41234", "ipv6:%5B2001:db8::7%5D:41234" and "unix:" without scheme and
// port.
std::string HostOf(const std::string& peer) {
  const size_t colon = peer.find(':');
  if (colon == std::string::npos || peer.starts_with("unix")) return "unix";
  std::string host = peer.substr(colon + 1);
  host.resize(std::min(host.size(), host.rfind(':')));
  constexpr std::string_view kOpen = "%5B";
  constexpr std::string_view kClose = "%5D";
  if (host.starts_with(kOpen)) host.erase(0, kOpen.size());
  if (host.ends_with(kClose)) host.resize(host.size() - kClose.size());
  return host;
}

}  // namespace

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
  return PostFor(reactor, loop_,
                 std::make_unique<loop::SynchronizeCommand>(*request, HostOf(context->peer()),
                                                            loop_, FinishWith(reactor, response)));
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
