// SHA-256: how artifacts are addressed, how files are checked, what fingerprints are made of.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace shoal {

// 32 bytes; a default-constructed digest is all zeros.
class Digest {
 public:
  static constexpr size_t kBytes = 32;

  Digest() = default;
  explicit Digest(const std::array<uint8_t, kBytes>& bytes) : bytes_(bytes) {}

  // 64 hexadecimal digits, either case. Errors: InvalidArgument.
  static absl::StatusOr<Digest> FromHex(std::string_view hex);

  // 64 hexadecimal digits in lower case.
  std::string Hex() const;
  const std::array<uint8_t, kBytes>& bytes() const { return bytes_; }

  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const Digest& digest) {
    return H::combine(std::move(state), digest.bytes_);
  }
  friend std::ostream& operator<<(std::ostream& out, const Digest& digest) {
    return out << digest.Hex();
  }

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

// The digest of bytes that arrive in pieces. Thread-compatible.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::string_view bytes);
  void Update(std::span<const uint8_t> bytes);

  // The digest of all bytes so far; the object then starts over with none.
  Digest Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The digest of `bytes`.
Digest Sha256Of(std::string_view bytes);

// The digest of a file's content, read in pieces of 1 MiB. Errors: as opening and reading, naming
// path and errno.
absl::StatusOr<Digest> Sha256OfFile(const std::string& path);

}  // namespace shoal
