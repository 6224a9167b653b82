// The manifest's keys in a checkpoint's `__metadata__` (FORMAT.md), and the digest that guards the
// header. Internal to core/checkpoint.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/checkpoint/checkpoint.h"

namespace shoal::checkpoint {

using Metadata = std::map<std::string, std::string>;

// The header digest stands as 64 zeros until SealHeader. Errors: INVALID_ARGUMENT.
absl::StatusOr<Metadata> FormatManifest(const Manifest& manifest,
                                        const std::vector<Digest>& digests);

struct ParsedManifest {
  Manifest manifest;            // kind UNSPECIFIED for a foreign file
  std::vector<Digest> digests;  // of each tensor; empty for a foreign file
};
// Errors: DATA_LOSS, UNIMPLEMENTED (a newer format).
absl::StatusOr<ParsedManifest> ParseManifest(const Metadata& metadata, size_t tensors);

// Puts the digest of `header` (length field included) in the place of its 64 zeros.
void SealHeader(std::string& header);
// Errors: DATA_LOSS when it does not hold.
absl::Status CheckSeal(std::string_view header, const Metadata& metadata);

}  // namespace shoal::checkpoint
