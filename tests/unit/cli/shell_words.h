// Enough of a shell to read the examples of --help.
#pragma once

#include <string>
#include <vector>

namespace shoal::cli {

// The calls of `shoal` in a line typed in a shell, each as the words after "shoal": those between
// pipes, && and ;, in $(...) and <(...), without redirections, assignments and comments.
std::vector<std::vector<std::string>> CallsOfShoal(const std::string& line);

}  // namespace shoal::cli
