// Whether an address can be listened on, and if not, why not and what to do: gRPC itself only says
// that it failed.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/join/address.h"

namespace shoal::rpc {

// Makes the socket's folder (0700) and removes what a dead process left. Errors: InvalidArgument
// (too long), FailedPrecondition (others may enter the folder), Unavailable (somebody listens).
absl::Status PrepareSocket(const std::string& path);

// Errors: Unavailable (the port is taken; the host is no address of this machine, or not known),
// PermissionDenied (a port below 1024).
absl::Status CheckPort(const join::Address& address);

}  // namespace shoal::rpc
