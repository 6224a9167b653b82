// The bytes of a file that comes from outside, in pieces of at most 1 MiB, decompressed when its
// first bytes say gzip (RFC 1952) or zstd (RFC 8878), whatever its name is. Several members or
// frames one after the other are one stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace shoal::data {

// The most that one file may decompress to.
inline constexpr int64_t kMaxInputBytes = int64_t{8} << 30;

// Thread-compatible.
class InputStream {
 public:
  virtual ~InputStream() = default;

  // Errors: as opening, naming path and errno; FailedPrecondition when it is not a regular file.
  static absl::StatusOr<std::unique_ptr<InputStream>> Open(const std::string& path,
                                                           int64_t max_bytes = kMaxInputBytes);

  // The next bytes, valid until the next call; empty at the end. Errors: those of reading;
  // InvalidArgument (a damaged or truncated archive, saying which); ResourceExhausted (more than
  // max_bytes).
  virtual absl::StatusOr<std::string_view> Next() = 0;
};

// The first `limit` bytes of what Open would give; fewer when there are no more. An archive that is
// damaged only behind them is not noticed.
absl::StatusOr<std::string> ReadHead(const std::string& path, int64_t limit);
// All of it. Errors: ResourceExhausted (more than `limit`).
absl::StatusOr<std::string> ReadWhole(const std::string& path, int64_t limit);

}  // namespace shoal::data
