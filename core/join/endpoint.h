// Where a lab is and how to be let in: its Unix socket, which needs no key because only its owner
// may enter the folder, or what a join file says. There is no third way.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shoal::join {

struct Endpoint {
  std::string target;       // as gRPC names it: "unix:/path", "laptop:7411"
  std::string certificate;  // PEM; empty for a Unix socket
  std::string key;          // empty for a Unix socket
  std::string file;         // the join file it was read from, for messages; may be empty

  bool is_local() const { return target.starts_with("unix:"); }
  // For messages: the target, and the file that named it.
  std::string ToString() const;
};

Endpoint UnixEndpoint(std::string_view socket_path);

// Of a join file. Errors: those of ReadJoinFile; FailedPrecondition when its certificate is not
// valid at `now`.
absl::StatusOr<Endpoint> JoinEndpoint(const std::string& path, absl::Time now);

// `lab` as a person names it: "unix:/path", or the path of a join file. Errors: also
// InvalidArgument for HOST:PORT, which says neither certificate nor key.
absl::StatusOr<Endpoint> FindEndpoint(const std::string& lab, absl::Time now);

// Errors: InvalidArgument when it is neither a Unix socket nor complete.
absl::Status Check(const Endpoint& endpoint);

// What `status`, which a call to the endpoint ended with, means to a person. UNAUTHENTICATED: the
// key or the certificate is wrong, and trying again is of no use; everything else keeps its code.
absl::Status Explain(const absl::Status& status, const Endpoint& endpoint);

}  // namespace shoal::join
