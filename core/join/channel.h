// A gRPC channel to a lab: in the clear over its Unix socket; else over TLS that trusts the lab's
// own certificate only (certificate.h says why no host's name is asked for), with the key as
// "authorization: Bearer" metadata of every call.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "core/join/endpoint.h"

namespace shoal::join {

// How often a client asks a connection on which nothing moves whether it lives. The server allows
// it (kShortestPingIntervalMs); a client that asked more often would be sent away with
// "too_many_pings".
inline constexpr int kKeepAliveMs = 30'000;
inline constexpr int kKeepAliveTimeoutMs = 20'000;
inline constexpr int kShortestPingIntervalMs = 10'000;

// The options that every client of a lab has; add to them what else is wanted.
grpc::ChannelArguments LabChannelArguments();

// Connects when it is first used. Requires Check(endpoint) to be OK.
std::shared_ptr<grpc::Channel> OpenChannel(const Endpoint& endpoint,
                                           grpc::ChannelArguments arguments);

}  // namespace shoal::join
