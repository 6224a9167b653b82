// Host and port, as people write them: "laptop:7411", "10.0.0.7:7411", "[::1]:7411".
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace shoal::join {

struct Address {
  std::string host;  // a name, or an IP address without brackets
  int port = 0;      // 0: any free one, where something is to be listened on

  // With brackets around an IPv6 address.
  std::string ToString() const;
  friend bool operator==(const Address&, const Address&) = default;
};

// Errors: InvalidArgument, with the text and an example.
absl::StatusOr<Address> ParseAddress(std::string_view text);

// "0.0.0.0" and "::" stand for every address of a machine, and are none that others can reach.
bool IsAnyAddress(std::string_view host);
// An IPv4 or IPv6 address, not a name.
bool IsIpAddress(std::string_view host);

}  // namespace shoal::join
