// The whole command line: what `shoal` parses, and what tests of its help walk through.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands/command.h"

namespace shoal::cli {

// Every command, in the sections that `shoal --help` shows. Parsing a command line
// fills in `globals`, which outlives the app; RunAction then does what was asked for.
std::unique_ptr<CLI::App> BuildApp(Globals& globals);

}  // namespace shoal::cli
