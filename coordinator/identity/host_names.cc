#include "coordinator/identity/host_names.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>

#include "core/join/address.h"

namespace shoal::identity {
namespace {

// "" for what no other machine can reach.
std::string AddressText(const ifaddrs& entry) {
  const bool usable =
      (entry.ifa_flags & IFF_UP) != 0 && (entry.ifa_flags & IFF_LOOPBACK) == 0 && entry.ifa_addr;
  if (!usable) return "";
  char text[INET6_ADDRSTRLEN] = {};
  if (entry.ifa_addr->sa_family == AF_INET) {
    const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(entry.ifa_addr);
    inet_ntop(AF_INET, &ipv4->sin_addr, text, sizeof text);
  } else if (entry.ifa_addr->sa_family == AF_INET6) {
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr)) return "";
    inet_ntop(AF_INET6, &ipv6->sin6_addr, text, sizeof text);
  }
  return text;
}

}  // namespace

std::vector<std::string> OwnAddresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    std::string text = AddressText(*entry);
    if (!text.empty()) addresses.push_back(std::move(text));
  }
  freeifaddrs(list);
  std::stable_partition(addresses.begin(), addresses.end(), [](const std::string& address) {
    return address.find(':') == std::string::npos;
  });
  return addresses;
}

std::vector<std::string> NamesFor(const std::string& host, const std::string& advertised) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    const bool new_one = std::find(names.begin(), names.end(), name) == names.end();
    if (!name.empty() && !join::IsAnyAddress(name) && new_one) names.push_back(name);
  };
  add(advertised);
  add(host);
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) add(name);
  char own[HOST_NAME_MAX + 1] = {};
  if (gethostname(own, sizeof own - 1) == 0 && join::ParseAddress(std::string(own) + ":1").ok()) {
    add(own);
  }
  for (const std::string& address : OwnAddresses()) add(address);
  return names;
}

std::string ReachableName(const std::string& host) {
  if (!join::IsAnyAddress(host)) return host;
  const std::vector<std::string> addresses = OwnAddresses();
  return addresses.empty() ? "127.0.0.1" : addresses.front();
}

}  // namespace shoal::identity
