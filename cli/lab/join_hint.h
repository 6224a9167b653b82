// What to do on another machine, for the person who opened a lab to it.
#pragma once

#include <string>

namespace shoal::cli {

// Some lines of text: where the join file is, and the commands it is for.
std::string JoinHint(const std::string& address, const std::string& join_file);

}  // namespace shoal::cli
