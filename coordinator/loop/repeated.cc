#include "coordinator/loop/repeated.h"

#include <optional>

#include "coordinator/store/request_rows.h"

namespace shoal::loop {

absl::StatusOr<bool> Repeated(Step& step, const std::string& request_id, const std::string& method,
                              const std::string& request_sha256,
                              google::protobuf::Message& response, absl::Status& answer) {
  if (request_id.empty()) return false;
  absl::StatusOr<std::optional<std::string>> stored =
      store::FindRequest(step.reading(), request_id, method, request_sha256);
  if (absl::IsInvalidArgument(stored.status())) {
    answer = stored.status();
    return true;
  }
  if (!stored.ok()) return stored.status();
  if (!stored->has_value()) return false;
  if (!response.ParseFromString(**stored))
    return absl::DataLossError("a stored answer cannot be read");
  return true;
}

}  // namespace shoal::loop
