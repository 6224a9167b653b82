// shoal dataset import: foreign data becomes a data set of the lab.

#include <cstdio>

#include "absl/strings/numbers.h"
#include "cli/commands/dataset.h"
#include "cli/lab/datasets.h"
#include "cli/lab/files_check.h"
#include "cli/output/dataset_text.h"
#include "cli/output/format.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/import/import.h"
#include "core/spec/dataset_id.h"

namespace shoal::cli {
namespace {

constexpr int kShownProblems = 20;

struct ImportCommand {
  std::vector<std::string> paths;
  std::string name;
  std::string format;
  std::vector<std::string> columns;
  std::string header;
  std::string held_out;
  std::string problems;
  bool fine_labels = false;
};

absl::StatusOr<data::ImportOptions> OptionsOf(const ImportCommand& command) {
  data::ImportOptions options;
  options.format = command.format;
  options.fine_labels = command.fine_labels;
  for (const std::string& column : command.columns) {
    const size_t equals = column.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(
          StrCat("--columns: '", column, "' must be ROLE=COLUMN, e.g. text=2,label=1"));
    }
    options.columns[column.substr(0, equals)] = column.substr(equals + 1);
  }
  if (!command.header.empty()) options.header = command.header == "yes";
  double share = 0;
  if (absl::SimpleAtod(command.held_out, &share)) {
    if (!(share >= 0 && share < 1)) {
      return absl::InvalidArgumentError(
          StrCat("--held-out: a share is at least 0 and below 1, is ", command.held_out));
    }
    options.held_out_share = share;
  } else {
    if (!command.held_out.empty())
      SHOAL_RETURN_IF_ERROR(CheckThere(command.held_out), "--held-out");
    options.held_out_path = command.held_out;
  }
  return options;
}

// "train.csv: CSV: AG News (4 classes)" of all files, as one line.
std::string SourceOf(const data::ImportResult& result) {
  std::string source;
  for (const std::string& one : result.recognised) {
    if (source.size() + one.size() > 1000) {
      StrAppend(source, "; and more");
      break;
    }
    StrAppend(source, source.empty() ? "" : "; ", one);
  }
  return source;
}

// Every problem, however many, for --problems all.
std::string AllProblems(const data::ImportReport& report) {
  std::string out;
  for (const data::LineProblem& problem : report.problems) {
    StrAppend(out, "  ", Printable(problem.file, false), ":", problem.line, ": ",
              Printable(problem.reason, false), "\n");
  }
  return out;
}

void PrintImported(const Globals& globals, const ImportCommand& command,
                   const data::ImportResult& result, const StoredDataset& stored) {
  const v1::Dataset& set = stored.dataset;
  const std::string name = Printable(set.name(), false);
  if (globals.quiet) {
    std::printf("%s\n", set.dataset_id().c_str());
    return;
  }
  std::printf("%s  (%s, %s)%s\n", Styled(globals.terminal, Style::kBold, name).c_str(),
              set.kind().c_str(), set.dataset_id().substr(0, 12).c_str(),
              stored.unchanged ? ", which was there already with the same content" : "");
  for (const std::string& one : result.recognised) {
    std::printf("  %s\n", Printable(one, false).c_str());
  }
  const v1::ImportReport report = ToProto(result.report);
  std::printf("  %s\n  %s", RecordsLine(report).c_str(), PartsLine(set).c_str());
  if (!set.labels().empty()) std::printf(", %d labels", set.labels_size());
  std::printf("\n");
  if (report.malformed() > 0) {
    std::printf("malformed, left out:\n%s", command.problems == "all"
                                                ? AllProblems(result.report).c_str()
                                                : ProblemLines(report, kShownProblems).c_str());
    if (command.problems != "all" && report.malformed() > kShownProblems) {
      std::printf("  `--problems all` lists every one\n");
    }
  }
  for (const std::string& note : result.notes) {
    std::printf("note: %s\n", Printable(note, true).c_str());
  }
  const bool text = set.kind() == spec::kText || set.kind() == spec::kDocument;
  std::printf("`shoal dataset show %s` shows it; --set data.dataset=%s%s trains on it\n",
              name.c_str(), name.c_str(), text ? " --set train.loss_on=all" : "");
}

absl::Status ImportNow(const Globals& globals, const ImportCommand& command) {
  SHOAL_RETURN_IF_ERROR(CheckDatasetName(command.name), "--name");
  for (const std::string& path : command.paths) SHOAL_RETURN_IF_ERROR(CheckThere(path));
  SHOAL_ASSIGN_OR_RETURN(data::ImportOptions options, OptionsOf(command));
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const TempDir folder, MakeDatasetFolder(globals.lab.data_dir));
  SHOAL_ASSIGN_OR_RETURN(const data::ImportResult result,
                         data::Import(command.paths, options, folder.path()));
  v1::Dataset dataset;
  dataset.set_name(command.name);
  dataset.set_source(SourceOf(result));
  *dataset.mutable_report() = ToProto(result.report);
  SHOAL_ASSIGN_OR_RETURN(const StoredDataset stored,
                         StoreDataset(lab, std::move(dataset), result.data, globals.command_line));
  if (!globals.json) {
    PrintImported(globals, command, result, stored);
    return absl::OkStatus();
  }
  std::string notes;
  for (const std::string& note : result.notes) {
    StrAppend(notes, notes.empty() ? "" : ",", JsonReply::Quote(note));
  }
  JsonReply()
      .Add("dataset", stored.dataset)
      .AddRaw("unchanged", stored.unchanged ? "true" : "false")
      .AddRaw("notes", StrCat("[", notes, "]"))
      .Print();
  return absl::OkStatus();
}

}  // namespace

void AddDatasetImport(CLI::App& dataset, Globals& globals) {
  const auto options = std::make_shared<ImportCommand>();
  CLI::App* command = AddCommand(
      dataset, globals,
      {"import",
       "Make a data set of files: JSONL, JSON, CSV, TSV or plain text, also gzip or zstd, and the "
       "published FewRel, AG News, DBpedia, TREC, BANKING77 and CLINC150 as they come",
       {"shoal dataset import fewrel/ --name fewrel",
        "shoal dataset import reviews.tsv.gz --name reviews --columns text=2,label=stars"}},
      [&globals, options] { return ImportNow(globals, *options); });
  command->add_option("paths", options->paths, "Files, or a folder")->required();
  command->add_option("--name", options->name, "What the data set is called from now on")
      ->required();
  command->add_option("--format", options->format,
                      "jsonl, json, csv, tsv, fewrel, clinc150, trec, lines (a text on each line) "
                      "or text (one document); default: recognised by content");
  command
      ->add_option("--columns", options->columns,
                   "ROLE=COLUMN,...: roles are text, label, prompt, response, topic; a column is "
                   "its number from 1, its header's name, or a JSON member; 2+3 joins two")
      ->delimiter(',');
  command->add_option("--header", options->header, "Whether a table begins with column names")
      ->check(CLI::IsMember({"yes", "no"}));
  command->add_option("--held-out", options->held_out,
                      "A file to hold out, or the share of examples (default 0.1, unless the data "
                      "has a held-out part of its own); 0 holds nothing out: a run then keeps "
                      "data.held_out_fraction apart from its training");
  command->add_flag("--fine-labels", options->fine_labels,
                    "TREC: the 50 fine classes instead of the 6 coarse ones");
  command->add_option("--problems", options->problems, "`all` lists every malformed record")
      ->check(CLI::IsMember({"all"}));
}

}  // namespace shoal::cli
