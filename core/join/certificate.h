// What a lab's certificate says. It is self-signed, and clients trust it and nothing else: whoever
// can answer with it has the lab's private key, whatever name or address it was reached by. So a
// client asks for kLabName, which every lab's certificate carries, and never for the host's name:
// a lab may move, be reached through a tunnel or by a second name, and its join files stay good.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/digest.h"

namespace shoal::join {

inline constexpr char kLabName[] = "shoal-lab";

struct Certificate {
  std::vector<std::string> names;  // host names and addresses it is made out to
  absl::Time not_before;
  absl::Time not_after;
  Digest fingerprint;  // SHA-256 of the certificate (its DER form)
};

// Exactly one PEM certificate. Errors: InvalidArgument.
absl::StatusOr<Certificate> ReadCertificate(std::string_view pem);

// Errors: FailedPrecondition, when it is not valid at `now`: expired, or of the future, which means
// that a clock is wrong.
absl::Status CheckDates(const Certificate& certificate, absl::Time now);

// "2036-11-19"
std::string DateText(absl::Time time);

}  // namespace shoal::join
