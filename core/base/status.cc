#include "core/base/status.h"

#include <cerrno>
#include <cstring>

namespace shoal {
namespace {

absl::StatusCode CodeOfErrno(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case EIO:
      return absl::StatusCode::kDataLoss;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case ELOOP:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::ErrnoToStatusCode(error);
  }
}

}  // namespace

absl::Status AnnotateText(const absl::Status& status, std::string_view context) {
  if (status.ok() || context.empty()) return status;
  absl::Status annotated(status.code(), StrCat(context, ": ", status.message()));
  status.ForEachPayload([&annotated](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

absl::Status ErrnoStatus(int error, std::string_view action) {
  const char* text = strerrordesc_np(error);
  const char* name = strerrorname_np(error);
  std::string message = StrCat(action, ": ", text != nullptr ? text : "unknown error", " (",
                               name != nullptr ? name : StrCat("errno ", error), ")");
  return absl::Status(CodeOfErrno(error), message);
}

}  // namespace shoal
