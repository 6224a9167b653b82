// The file that lets a machine into a lab. Whoever has it commands the lab, so it is for its owner
// only (mode 0600, or 0640 for a group of services); it goes from machine to machine by a way that
// is trusted already, such as scp.
//
//   # ... a comment for whoever opens it
//   shoal_join: 1
//   address: "laptop:7411"
//   key: "shoal-9f86d0..."
//   certificate: |
//     -----BEGIN CERTIFICATE-----
//     ...
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace shoal::join {

struct JoinFile {
  std::string address;      // where the lab listens, HOST:PORT
  std::string key;          // core/join/key.h
  std::string certificate;  // PEM; core/join/certificate.h

  friend bool operator==(const JoinFile&, const JoinFile&) = default;
};

// Where a coordinator keeps the join file of the lab in `data_dir`.
std::string JoinFileOf(const std::string& data_dir);

std::string ToText(const JoinFile& join);

// Strict: exactly the four fields, each of the right form. Errors: InvalidArgument listing
// everything that is wrong, each with its place; never with the key.
absl::StatusOr<JoinFile> ParseJoinFile(std::string_view text, std::string_view file_name);

// Errors: also NotFound and PermissionDenied: it cannot be read, or everybody can.
absl::StatusOr<JoinFile> ReadJoinFile(const std::string& path);

}  // namespace shoal::join
