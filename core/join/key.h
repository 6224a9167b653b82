// The lab's key: whoever shows it may do everything in the lab. 256 random bits, written as
// "shoal-" and 64 hexadecimal digits; a coordinator keeps its SHA-256 only.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "core/base/digest.h"

namespace shoal::join {

// A new one, from the system's random source.
std::string NewKey();

// Errors: InvalidArgument, without repeating what was given.
absl::Status CheckKeyForm(std::string_view key);

// What is kept of a key.
Digest KeyDigest(std::string_view key);

// In a time that does not depend on where they differ.
bool SameDigest(const Digest& a, const Digest& b);

}  // namespace shoal::join
