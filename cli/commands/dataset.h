// The subcommands of `shoal dataset`, one per file dataset_<verb>.cc. Each Add declares its
// options, examples and action under `dataset`, as AddCommand does for a command of its own.
#pragma once

#include "cli/commands/command.h"

namespace shoal::cli {

void AddDatasetLint(CLI::App& dataset, Globals& globals);
void AddDatasetList(CLI::App& dataset, Globals& globals);
void AddDatasetImport(CLI::App& dataset, Globals& globals);
void AddDatasetShow(CLI::App& dataset, Globals& globals);
void AddDatasetMix(CLI::App& dataset, Globals& globals);
void AddDatasetGenerate(CLI::App& dataset, Globals& globals);

}  // namespace shoal::cli
