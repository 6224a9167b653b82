#include "worker/runner/failure.h"

#include "worker/engine/train/trainer.h"

namespace shoal::runner {
namespace {

v1::FailureClass ClassOf(const absl::Status& status) {
  if (engine::IsNotFinite(status)) return v1::FAILURE_CLASS_NOT_FINITE;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return v1::FAILURE_CLASS_INVALID_SPEC;
    case absl::StatusCode::kResourceExhausted:
      return v1::FAILURE_CLASS_OUT_OF_MEMORY;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnavailable:
      return v1::FAILURE_CLASS_INFRASTRUCTURE;
    default:
      return v1::FAILURE_CLASS_BACKEND_ERROR;
  }
}

}  // namespace

v1::Finished FinishedWith(const absl::Status& status, int64_t step) {
  v1::Finished finished;
  finished.set_step(step);
  if (status.ok()) {
    finished.set_state(v1::ATTEMPT_STATE_SUCCEEDED);
    return finished;
  }
  finished.set_message(std::string(status.message()));
  if (absl::IsCancelled(status)) {
    finished.set_state(v1::ATTEMPT_STATE_CANCELLED);
    return finished;
  }
  finished.set_state(v1::ATTEMPT_STATE_FAILED);
  // A full disk is not the spec's fault: room can be made, and the checkpoint before is still
  // there.
  const bool disk = status.message().find("ENOSPC") != absl::string_view::npos;
  finished.set_failure_class(disk ? v1::FAILURE_CLASS_INFRASTRUCTURE : ClassOf(status));
  return finished;
}

}  // namespace shoal::runner
