// The bytes of a shard file: its header and where its sections begin. Internal to core/data;
// described for readers in SHARD_FORMAT.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace shoal::data {

inline constexpr std::string_view kShardMagic = "SHOALSHD";
inline constexpr uint32_t kShardVersion = 1;
inline constexpr uint64_t kShardHeaderBytes = 256;
inline constexpr uint64_t kShardAlignment = 64;

// The numbers of the header. Section offsets follow from the counts.
struct ShardHeader {
  uint32_t token_width = 2;  // bytes of a stored token: 2 or 4
  uint32_t vocab_size = 0;
  uint32_t max_seq = 0;
  uint64_t examples = 0;
  uint64_t tokens = 0;
  uint64_t bytes = 0;
  uint64_t response_tokens = 0;
  uint32_t classes = 0;            // of a labelled set; 0: no labels
  uint64_t class_names_bytes = 0;  // 0 without classes
  std::array<uint8_t, 32> tokenizer_sha256{};
  std::array<uint8_t, 32> content_sha256{};  // of everything after the header
};

struct ShardLayout {
  uint64_t offsets = 0;        // u64[examples + 1]
  uint64_t example_bytes = 0;  // u32[examples]
  uint64_t tokens = 0;         // u16 or u32 [tokens]
  uint64_t flags = 0;          // u8[tokens]
  uint64_t token_bytes = 0;    // u32[vocab_size]
  uint64_t labels = 0;         // u32[examples]; these two only with classes
  uint64_t class_names = 0;    // each name and a line feed
  uint64_t file_bytes = 0;
};

// Requires counts below 2^48.
ShardLayout LayoutOf(const ShardHeader& header);

// kShardHeaderBytes bytes, digest of the header included.
std::string WriteShardHeader(const ShardHeader& header);

// Checks magic, version, header digest, ranges, section offsets and that the file has the size it
// should. Errors: DataLoss, FailedPrecondition (a newer version).
absl::StatusOr<ShardHeader> ReadShardHeader(std::string_view file);

}  // namespace shoal::data
