// What this machine is called and where it is reached, as far as it knows itself.
#pragma once

#include <string>
#include <vector>

namespace shoal::identity {

// Addresses of interfaces that are up, loopback and link-local ones left out; IPv4 first.
std::vector<std::string> OwnAddresses();

// Everything a certificate for a lab that listens on `host` and is reached as `advertised` (may be
// empty) should be made out to: those two, localhost, 127.0.0.1, ::1, the host's name and its
// addresses. Without repetition.
std::vector<std::string> NamesFor(const std::string& host, const std::string& advertised);

// What other machines should call a lab that listens on `host`: `host` itself, or, when that stands
// for every address of this machine, the first of them ("127.0.0.1" where it has none).
std::string ReachableName(const std::string& host);

}  // namespace shoal::identity
