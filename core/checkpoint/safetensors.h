// The safetensors container: named tensors in one file (layout in FORMAT.md). This layer knows
// nothing of checkpoints; checkpoint.h adds the manifest and the digests.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace shoal::checkpoint {

enum class TensorType { kF32, kBf16 };
std::string_view Name(TensorType type);  // "F32", "BF16"
int64_t ElementBytes(TensorType type);

// Where a tensor lies. `offset` counts from the first byte after the header.
struct TensorEntry {
  std::string name;
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;  // row-major; empty for a scalar
  int64_t offset = 0;
  int64_t size_bytes = 0;

  int64_t elements() const { return size_bytes / ElementBytes(type); }
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;  // `__metadata__`
  std::vector<TensorEntry> tensors;             // in order of offset
  int64_t payload_offset = 0;                   // 8 + header length
  int64_t payload_bytes = 0;
};

inline constexpr int64_t kMaxHeaderBytes = 16 << 20;
inline constexpr size_t kMaxTensors = 100'000;
inline constexpr size_t kMaxRank = 8;

// The length field and the JSON header, padded with spaces to a multiple of 8. Offsets of `tensors`
// are assigned here, in order. Requires valid names and shapes (CheckTensor).
std::string FormatHeader(const std::map<std::string, std::string>& metadata,
                         std::vector<TensorEntry>& tensors);

// Reads a header. `file_start` holds at least the first min(file_bytes, 8 + header length) bytes.
// Every length, offset, shape and type is checked against the file's size: tensors lie without gaps
// or overlaps and end with the file.
// Errors: DATA_LOSS (torn or corrupt, saying where), UNIMPLEMENTED (a type we do not read).
absl::StatusOr<SafetensorsHeader> ParseHeader(std::string_view file_start, int64_t file_bytes);

// The header's length as the first 8 bytes tell it. Errors: DATA_LOSS (short, or above the limit).
absl::StatusOr<int64_t> HeaderBytes(std::string_view file_start, int64_t file_bytes);

// Names: 1..256 bytes of letters, digits and "._-/"; at most kMaxRank dimensions >= 0 whose product
// fits. Sets size_bytes. Errors: INVALID_ARGUMENT.
absl::Status CheckTensor(TensorEntry& tensor);

}  // namespace shoal::checkpoint
