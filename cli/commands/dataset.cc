// shoal dataset: data sets by name. The subcommands are in dataset_<verb>.cc.

#include "cli/commands/dataset.h"

namespace shoal::cli {

void AddDataset(CLI::App& app, Globals& globals) {
  CLI::App* dataset = AddCommand(
      app, globals,
      {"dataset",
       "Data sets, named and immutable: import, list, show, lint, mix and generate them",
       {"shoal dataset import reviews.csv --name reviews --columns text=2,label=1",
        "shoal dataset show reviews", "shoal launch tiny --set data.dataset=reviews --follow"}},
      nullptr);
  AddDatasetImport(*dataset, globals);
  AddDatasetList(*dataset, globals);
  AddDatasetShow(*dataset, globals);
  AddDatasetLint(*dataset, globals);
  AddDatasetMix(*dataset, globals);
  AddDatasetGenerate(*dataset, globals);
}

}  // namespace shoal::cli
