// Errors. Every fallible function returns absl::Status or absl::StatusOr<T>; the code says who must
// act (INVALID_ARGUMENT: fix the spec; UNAVAILABLE, RESOURCE_EXHAUSTED: retry; ABORTED: a stale
// attempt; DATA_LOSS: a corrupt file; INTERNAL: our bug), and the message says what failed, with
// which value, and what was expected.
//
//   absl::StatusOr<Shard> Open(const std::string& path) {
//     SHOAL_ASSIGN_OR_RETURN(std::string bytes, files.ReadFile(path));
//     SHOAL_RETURN_IF_ERROR(CheckHeader(bytes));
//     ...
//     return Annotate(status, "opening shard ", path);
//   }
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/strings.h"

namespace shoal {

// Puts `context` before the message: "opening shard a.bin: file is 3 bytes, expected at least 64".
// Code and payloads stay. An OK status is returned as it is.
absl::Status AnnotateText(const absl::Status& status, std::string_view context);

template <typename... Pieces>
absl::Status Annotate(const absl::Status& status, const Pieces&... pieces) {
  return status.ok() ? status : AnnotateText(status, StrCat(pieces...));
}

// The status of a failed system call. `error` is errno's value; the message becomes
// "writing /data/x: No space left on device (ENOSPC)". ENOENT is NOT_FOUND, EEXIST ALREADY_EXISTS,
// ENOSPC, EDQUOT, ENOMEM and EMFILE RESOURCE_EXHAUSTED, EACCES, EPERM and EROFS PERMISSION_DENIED;
// other values are INTERNAL or what absl says.
absl::Status ErrnoStatus(int error, std::string_view action);

namespace status_internal {
inline const absl::Status& AsStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& AsStatus(const absl::StatusOr<T>& result) {
  return result.status();
}
}  // namespace status_internal
}  // namespace shoal

#define SHOAL_STATUS_CONCAT_INNER(a, b) a##b
#define SHOAL_STATUS_CONCAT(a, b) SHOAL_STATUS_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expression` (a Status or StatusOr) is not OK. Further
// arguments are put before the message, as by Annotate.
#define SHOAL_RETURN_IF_ERROR(expression, ...)                                                  \
  do {                                                                                          \
    auto&& shoal_result_ = (expression);                                                        \
    if (!shoal_result_.ok()) {                                                                  \
      return ::shoal::Annotate(::shoal::status_internal::AsStatus(shoal_result_) __VA_OPT__(, ) \
                                   __VA_ARGS__);                                                \
    }                                                                                           \
  } while (false)

// Assigns the value of `expression` (a StatusOr) to `target`, which may declare a variable, or
// returns its status. Further arguments annotate.
#define SHOAL_ASSIGN_OR_RETURN(target, expression, ...)                                 \
  SHOAL_ASSIGN_OR_RETURN_INNER(SHOAL_STATUS_CONCAT(shoal_status_or_, __LINE__), target, \
                               expression __VA_OPT__(, ) __VA_ARGS__)
#define SHOAL_ASSIGN_OR_RETURN_INNER(result, target, expression, ...)     \
  auto result = (expression);                                             \
  if (!result.ok()) {                                                     \
    return ::shoal::Annotate(result.status() __VA_OPT__(, ) __VA_ARGS__); \
  }                                                                       \
  target = *std::move(result)
