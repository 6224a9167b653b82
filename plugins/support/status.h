// How a plugin answers: filling the caller's shoal_status, and keeping exceptions inside.
//
// Inside a plugin every fallible function has the shape of the ABI itself: it returns a code (0 is
// success) and, when that is not 0, has written a sentence to `status`. So a call reads
//
//   if (int32_t code = Check(x, status)) return code;
//
// and nothing needs translating at the border. Header-only; depends on the ABI alone.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>

#include "plugins/abi/shoal_backend.h"

namespace shoal::plugins {

// Codes of absl::StatusCode, which plugins do not link.
inline constexpr int32_t kOk = 0;
inline constexpr int32_t kInvalidArgument = 3;
inline constexpr int32_t kResourceExhausted = 8;
inline constexpr int32_t kFailedPrecondition = 9;
inline constexpr int32_t kUnimplemented = 12;
inline constexpr int32_t kInternal = 13;
inline constexpr int32_t kUnavailable = 14;

// What a plugin puts into shoal_backend.sanitizer.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr const char* kSanitizer = "address";
#elif defined(__SANITIZE_THREAD__)
inline constexpr const char* kSanitizer = "thread";
#else
inline constexpr const char* kSanitizer = "";
#endif

inline int32_t Succeed(shoal_status* status) {
  if (status != nullptr) {
    status->code = kOk;
    status->message[0] = '\0';
  }
  return kOk;
}

// Writes `code` and a printf-formatted sentence, cut to what fits. Returns `code`.
[[gnu::format(printf, 3, 4)]] inline int32_t Fail(shoal_status* status, int32_t code,
                                                  const char* format, ...) {
  if (status != nullptr) {
    status->code = code;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(status->message, sizeof(status->message), format, arguments);
    va_end(arguments);
  }
  return code;
}

// Runs one ABI call. `body` returns a code; an exception becomes one, so that none leaves the
// plugin.
template <class Body>
int32_t Guard(shoal_status* status, Body&& body) noexcept {
  try {
    const int32_t code = body();
    return code == kOk ? Succeed(status) : code;
  } catch (const std::bad_alloc&) {
    return Fail(status, kResourceExhausted, "out of host memory");
  } catch (const std::exception& error) {
    return Fail(status, kInternal, "unexpected exception: %s", error.what());
  } catch (...) {
    return Fail(status, kInternal, "unexpected exception of unknown type");
  }
}

// Sizes of the structs in ABI 1.0, the least a caller may pass. A field appended later does not
// change them: read it only where the caller's struct_size covers it.
template <class Struct>
inline constexpr size_t kMinimumSize = 0;
template <>
inline constexpr size_t kMinimumSize<shoal_capabilities> =
    offsetof(shoal_capabilities, numerics_version) + sizeof(shoal_capabilities::numerics_version);
template <>
inline constexpr size_t kMinimumSize<shoal_open_args> = offsetof(shoal_open_args, options) +
                                                        sizeof(shoal_open_args::options);
template <>
inline constexpr size_t kMinimumSize<shoal_buffer_request> =
    offsetof(shoal_buffer_request, host_address) + sizeof(shoal_buffer_request::host_address);
template <>
inline constexpr size_t kMinimumSize<shoal_program> = offsetof(shoal_program, buffers) +
                                                      sizeof(shoal_program::buffers);
template <>
inline constexpr size_t kMinimumSize<shoal_scalars> = offsetof(shoal_scalars, op_nanoseconds) +
                                                      sizeof(shoal_scalars::op_nanoseconds);

// Refuses a null struct, or one smaller than `minimum` (kMinimumSize of its type).
template <class Struct>
int32_t CheckStruct(const Struct* value, const char* name, size_t minimum, shoal_status* status) {
  if (value == nullptr) return Fail(status, kInvalidArgument, "%s is null", name);
  if (value->struct_size < minimum) {
    return Fail(status, kInvalidArgument, "%s.struct_size is %u, expected at least %zu", name,
                value->struct_size, minimum);
  }
  return kOk;
}

}  // namespace shoal::plugins
