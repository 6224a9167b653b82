#include "core/join/channel.h"

#include <utility>

#include "core/join/certificate.h"

namespace shoal::join {

grpc::ChannelArguments LabChannelArguments() {
  grpc::ChannelArguments arguments;
  // Several channels of one process must not share one that is still backing off.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  // A stream on which nothing moves (Watch) is asked after for as long as it lives.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return arguments;
}

std::shared_ptr<grpc::Channel> OpenChannel(const Endpoint& endpoint,
                                           grpc::ChannelArguments arguments) {
  if (endpoint.is_local()) {
    return grpc::CreateCustomChannel(endpoint.target, grpc::InsecureChannelCredentials(),
                                     arguments);
  }
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = endpoint.certificate;
  arguments.SetSslTargetNameOverride(kLabName);
  return grpc::CreateCustomChannel(
      endpoint.target,
      grpc::CompositeChannelCredentials(grpc::SslCredentials(tls),
                                        grpc::AccessTokenCredentials(endpoint.key)),
      arguments);
}

}  // namespace shoal::join
