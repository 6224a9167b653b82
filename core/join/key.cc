#include "core/join/key.h"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

#include "core/base/check.h"
#include "core/base/strings.h"

namespace shoal::join {
namespace {

constexpr std::string_view kPrefix = "shoal-";

}  // namespace

std::string NewKey() {
  std::array<uint8_t, Digest::kBytes> bytes{};
  SHOAL_CHECK(getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return StrCat(kPrefix, Digest(bytes).Hex());  // 64 digits, as of any 32 bytes
}

absl::Status CheckKeyForm(std::string_view key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool well = key.size() == kPrefix.size() + 2 * Digest::kBytes && key.starts_with(kPrefix) &&
                    key.find_first_not_of(kDigits, kPrefix.size()) == std::string_view::npos;
  if (well) return absl::OkStatus();
  return absl::InvalidArgumentError("a key is \"shoal-\" and 64 hexadecimal digits in lower case");
}

Digest KeyDigest(std::string_view key) { return Sha256Of(key); }

bool SameDigest(const Digest& a, const Digest& b) {
  return CRYPTO_memcmp(a.bytes().data(), b.bytes().data(), Digest::kBytes) == 0;
}

}  // namespace shoal::join
