// Small helpers that keep every method to: check, post, finish.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/loop/loop.h"
#include "coordinator/loop/user_commands.h"

namespace shoal::rpc {

// The codes are the same by design.
inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

// Ends a call at once.
inline grpc::ServerUnaryReactor* Reply(grpc::CallbackServerContext* context,
                                       const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(status));
  return reactor;
}
template <typename T>
grpc::ServerUnaryReactor* Reply(grpc::CallbackServerContext* context, absl::StatusOr<T> result,
                                T* response) {
  if (result.ok()) *response = *std::move(result);
  return Reply(context, result.status());
}

// Ends a call when its command has been decided. `response` lives as long as the call does.
template <typename T>
loop::Callback<T> FinishWith(grpc::ServerUnaryReactor* reactor, T* response) {
  return [reactor, response](absl::StatusOr<T> result) {
    if (result.ok()) *response = *std::move(result);
    reactor->Finish(ToGrpc(result.status()));
  };
}

// Hands a command to the loop; a refusal (full, stopping) is the call's answer.
inline grpc::ServerUnaryReactor* PostFor(grpc::ServerUnaryReactor* reactor, loop::Loop& loop,
                                         std::unique_ptr<loop::Command> command) {
  const absl::Status posted = loop.Post(std::move(command));
  if (!posted.ok()) reactor->Finish(ToGrpc(posted));
  return reactor;
}

// Runs `read(db) -> StatusOr<T>` on a reader's thread and answers with it.
template <typename T, typename Read>
grpc::ServerUnaryReactor* ReadFor(grpc::ServerUnaryReactor* reactor, store::ReaderPool& readers,
                                  T* response, Read read) {
  const absl::Status posted =
      readers.Post([reactor, response, read = std::move(read)](store::Database& db) {
        absl::StatusOr<T> result = read(db);
        if (result.ok()) *response = *std::move(result);
        reactor->Finish(ToGrpc(result.status()));
      });
  if (!posted.ok()) reactor->Finish(ToGrpc(posted));
  return reactor;
}

}  // namespace shoal::rpc
