// The tree of commands, for tests of what is written about it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/commands/app.h"

namespace shoal::cli {

// Each command by its path, as in "dataset import".
std::map<std::string, CLI::App*> CommandsOf(CLI::App& app);

// What a call would run: the path of its command, or why it does not parse.
std::string Parsed(const std::vector<std::string>& call);

}  // namespace shoal::cli
