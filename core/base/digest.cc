#include "core/base/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/strings/escaping.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/strings.h"

namespace shoal {

absl::StatusOr<Digest> Digest::FromHex(std::string_view hex) {
  const auto value = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::array<uint8_t, kBytes> bytes{};
  bool valid = hex.size() == 2 * kBytes;
  for (size_t i = 0; valid && i < kBytes; ++i) {
    const int high = value(hex[2 * i]);
    const int low = value(hex[2 * i + 1]);
    valid = high >= 0 && low >= 0;
    bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  if (!valid) {
    return absl::InvalidArgumentError(
        StrCat("'", hex, "' is not a SHA-256 digest; expected 64 hexadecimal digits"));
  }
  return Digest(bytes);
}

std::string Digest::Hex() const {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes_.size()));
}

struct Sha256::Context {
  Context() { Start(); }
  ~Context() { EVP_MD_CTX_free(evp); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  void Start() { SHOAL_CHECK(EVP_DigestInit_ex(evp, EVP_sha256(), nullptr) == 1); }

  EVP_MD_CTX* evp = EVP_MD_CTX_new();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::string_view bytes) {
  SHOAL_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

void Sha256::Update(std::span<const uint8_t> bytes) {
  SHOAL_CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

Digest Sha256::Finish() {
  std::array<uint8_t, Digest::kBytes> bytes{};
  unsigned int size = 0;
  SHOAL_CHECK(EVP_DigestFinal_ex(context_->evp, bytes.data(), &size) == 1 && size == bytes.size());
  context_->Start();
  return Digest(bytes);
}

Digest Sha256Of(std::string_view bytes) {
  Sha256 sha;
  sha.Update(bytes);
  return sha.Finish();
}

absl::StatusOr<Digest> Sha256OfFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, StrCat("opening ", path));
  Sha256 sha;
  std::vector<uint8_t> buffer(size_t{1} << 20);
  absl::Status status;
  while (true) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) status = ErrnoStatus(errno, StrCat("reading ", path));
    if (count <= 0) break;
    sha.Update(std::span(buffer).first(static_cast<size_t>(count)));
  }
  close(fd);
  if (!status.ok()) return status;
  return sha.Finish();
}

}  // namespace shoal
