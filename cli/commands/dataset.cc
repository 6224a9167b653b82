// shoal dataset: data sets by name. The subcommands are in dataset_<verb>.cc.

#include "cli/commands/dataset.h"

namespace shoal::cli {

void AddDataset(CLI::App& app, Globals& globals) {
  CLI::App* dataset = app.add_subcommand(
      "dataset",
      "Data sets: named, immutable training data (import, list, show, lint, mix, generate)");
  dataset->require_subcommand(1);
  dataset->footer(
      "Examples:\n"
      "  shoal dataset import reviews.csv --name reviews --columns text=2,label=1\n"
      "  shoal launch tiny --set data.dataset=reviews --follow");
  AddDatasetImport(*dataset, globals);
  AddDatasetList(*dataset, globals);
  AddDatasetShow(*dataset, globals);
  AddDatasetLint(*dataset, globals);
  AddDatasetMix(*dataset, globals);
  AddDatasetGenerate(*dataset, globals);
}

}  // namespace shoal::cli
