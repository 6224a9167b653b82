// Lets a call that came over the network pass only with the lab's key. gRPC asks it before it looks
// for the method, so nothing is left out: not health, not reflection, not methods that do not
// exist.
#pragma once

#include <grpcpp/security/auth_metadata_processor.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace shoal::rpc {

// Reads the key's digest again whenever its file was replaced, so that a rotated key counts from
// the next call on; a file that cannot be read refuses everybody. Refusals are counted, and logged
// at most every ten seconds. `clock` must outlive it. Thread-safe.
std::shared_ptr<grpc::AuthMetadataProcessor> NewKeyGuard(std::string digest_path,
                                                         const Clock& clock);

// The key in an authorization header, "Bearer KEY"; empty when it is of another form.
std::string_view BearerKey(std::string_view authorization);

}  // namespace shoal::rpc
