// Answers of mutations by the caller's request id: repeating a request changes nothing and answers
// the same.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/store/database.h"
#include "google/protobuf/message.h"

namespace shoal::store {

// The digest that tells whether a repeated id really is the same request.
std::string RequestSha256(const google::protobuf::Message& request);

// The stored answer's bytes. Errors: InvalidArgument (the id was used for another request).
absl::StatusOr<std::optional<std::string>> FindRequest(Database& db, const std::string& request_id,
                                                       const std::string& method,
                                                       const std::string& request_sha256);
absl::Status InsertRequest(Database& db, const std::string& request_id, const std::string& method,
                           const std::string& request_sha256,
                           const google::protobuf::Message& response, absl::Time now);

}  // namespace shoal::store
