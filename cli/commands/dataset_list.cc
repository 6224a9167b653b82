// shoal dataset list: the data sets of the lab, newest first.

#include <cstdio>

#include "cli/commands/dataset.h"
#include "cli/output/format.h"
#include "cli/output/runs_table.h"
#include "cli/output/table.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

absl::Status List(const Globals& globals) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(
      const auto response,
      Call(lab.service(), &v1::LabService::Stub::ListDatasets, v1::ListDatasetsRequest()));
  if (globals.json) {
    JsonReply().AddList("datasets", response.datasets()).Print();
    return absl::OkStatus();
  }
  Table table({{"DATA SET"},
               {"KIND"},
               {"TRAIN", Table::Align::kRight},
               {"HELD OUT", Table::Align::kRight},
               {"LABELS", Table::Align::kRight},
               {"TEXT", Table::Align::kRight},
               {"SOURCE", Table::Align::kLeft, true},
               {"BY"},
               {"CREATED"}});
  for (const v1::Dataset& set : response.datasets()) {
    table.Add({Printable(set.name(), false), Printable(set.kind(), false),
               WithCommas(set.train().examples()), WithCommas(set.held_out().examples()),
               set.labels().empty() ? "" : WithCommas(set.labels_size()),
               HumanBytes(set.train().bytes() + set.held_out().bytes()),
               Printable(set.source(), false), Printable(set.submitted_by(), false),
               HumanAgo(ToTime(set.created_at()), globals.clock().Now())});
  }
  std::printf("%s", table.empty()
                        ? "no data sets yet; `shoal dataset import FILE --name NAME` makes one\n"
                        : table.Render(globals.terminal).c_str());
  return absl::OkStatus();
}

}  // namespace

void AddDatasetList(CLI::App& dataset, Globals& globals) {
  AddCommand(dataset, globals,
             {"list",
              "List the data sets of the lab, newest first",
              {"shoal dataset list", "shoal dataset list --json"}},
             [&globals] { return List(globals); });
}

}  // namespace shoal::cli
