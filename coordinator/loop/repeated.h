// A repeated request changes nothing and answers the same.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/loop/command.h"
#include "google/protobuf/message.h"

namespace shoal::loop {

// The stored answer of a repeated request into `response`; true when there is one. An id that was
// used for something else is for the caller to hear: `answer`, and true.
absl::StatusOr<bool> Repeated(Step& step, const std::string& request_id, const std::string& method,
                              const std::string& request_sha256,
                              google::protobuf::Message& response, absl::Status& answer);

}  // namespace shoal::loop
