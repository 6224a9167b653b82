// Invariants: conditions that only a bug of ours can break. On in every build. Never for input from
// outside: a file, a message or a user's value gets a Status.
//
//   SHOAL_CHECK(slot < slots.size());
//   SHOAL_CHECK(slot < slots.size(), "slot ", slot, " of ", slots.size());
//
// A broken invariant prints file, line, condition and text to stderr and aborts the process.
#pragma once

#include <string_view>

#include "absl/base/optimization.h"
#include "core/base/strings.h"

namespace shoal::check_internal {
[[noreturn]] void Fail(const char* file, int line, const char* condition, std::string_view text);
}  // namespace shoal::check_internal

#define SHOAL_CHECK(condition, ...)                                                                \
  do {                                                                                             \
    if (ABSL_PREDICT_FALSE(!(condition))) {                                                        \
      ::shoal::check_internal::Fail(__FILE__, __LINE__, #condition, ::shoal::StrCat(__VA_ARGS__)); \
    }                                                                                              \
  } while (false)
