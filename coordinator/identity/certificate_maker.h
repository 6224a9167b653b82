// Makes a lab's certificate: a fresh ECDSA key on P-256, self-signed with SHA-256 (RFC 5280, RFC
// 5480), for TLS servers only, no authority over other certificates.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace shoal::identity {

struct MadeCertificate {
  std::string certificate;  // PEM
  std::string private_key;  // PEM (PKCS #8, not encrypted)
};

// Valid from a day before `now` (clocks differ) for ten years. `names` are host names and IP
// addresses; core/join/certificate.h's kLabName is added. Errors: Internal, what OpenSSL says.
absl::StatusOr<MadeCertificate> MakeCertificate(const std::vector<std::string>& names,
                                                absl::Time now);

}  // namespace shoal::identity
