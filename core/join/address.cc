#include "core/join/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "core/base/strings.h"

namespace shoal::join {
namespace {

bool IsIpv6(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool IsHostName(std::string_view host) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

std::string Address::ToString() const {
  return host.find(':') == std::string::npos ? StrCat(host, ":", port)
                                             : StrCat("[", host, "]:", port);
}

absl::StatusOr<Address> ParseAddress(std::string_view text) {
  const auto wrong = [text] {
    return absl::InvalidArgumentError(
        StrCat("\"", text, "\" is not HOST:PORT, as in laptop:7411, 10.0.0.7:7411 or [::1]:7411"));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  Address address;
  const bool number = !digits.empty() && digits.size() <= 5 &&
                      digits.find_first_not_of("0123456789") == std::string_view::npos &&
                      absl::SimpleAtoi(AbslView(digits), &address.port);
  if (!number || address.port > 65535) return wrong();
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  address.host = std::string(host);
  if (brackets ? !IsIpv6(address.host) : !IsHostName(host)) return wrong();
  return address;
}

bool IsAnyAddress(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

bool IsIpAddress(std::string_view host) {
  const std::string text(host);
  in_addr address;
  return inet_pton(AF_INET, text.c_str(), &address) == 1 || IsIpv6(text);
}

}  // namespace shoal::join
