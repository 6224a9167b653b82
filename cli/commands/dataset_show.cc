// shoal dataset show: what a data set holds, and what became of its source.

#include <cstdio>

#include "absl/strings/numbers.h"
#include "cli/commands/dataset.h"
#include "cli/lab/datasets.h"
#include "cli/output/dataset_text.h"
#include "cli/output/format.h"
#include "cli/output/runs_table.h"
#include "core/base/mapped_file.h"
#include "core/base/random.h"
#include "core/base/status.h"
#include "core/data/dataset/record.h"

namespace shoal::cli {
namespace {

constexpr int kShownProblems = 10;
constexpr int kShownLabels = 20;
constexpr size_t kDocumentSample = 300;  // bytes

struct ShowCommand {
  std::string name;
  int samples = 5;
  uint64_t seed = 1;
  std::string problems;
  std::string labels;
};

// The beginnings of `count` stretches of a document.
std::vector<std::string> DocumentSamples(std::string_view text, int count, uint64_t seed) {
  std::vector<std::string> samples;
  Random random(seed, PurposeOf(Purpose::kData, 3));
  for (int i = 0; i < count && !text.empty(); ++i) {
    size_t at = text.find('\n', random.Below(text.size()));
    at = at == text.npos ? 0 : text.find_first_not_of('\n', at);
    if (at == text.npos) at = 0;
    size_t end = std::min(at + kDocumentSample, text.size());
    while (end < text.size() && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) ++end;
    samples.emplace_back(text.substr(at, end - at));
  }
  return samples;
}

// `count` lines of the training file, drawn evenly, in the file's order.
std::vector<std::string> LineSamples(std::string_view text, int64_t lines, int count,
                                     uint64_t seed) {
  std::vector<int64_t> chosen;
  Random random(seed, PurposeOf(Purpose::kData, 3));
  while (static_cast<int64_t>(chosen.size()) < std::min<int64_t>(count, lines)) {
    const auto line = static_cast<int64_t>(random.Below(static_cast<uint64_t>(lines)));
    if (std::find(chosen.begin(), chosen.end(), line) == chosen.end()) chosen.push_back(line);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<std::string> samples;
  size_t at = 0;
  for (int64_t line = 0; samples.size() < chosen.size() && at < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (line == chosen[samples.size()]) samples.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return samples;
}

absl::StatusOr<std::vector<std::string>> Samples(Lab& lab, const ShowCommand& command,
                                                 const v1::Dataset& set) {
  if (command.samples == 0) return std::vector<std::string>();
  SHOAL_ASSIGN_OR_RETURN(const LocalDataset local, FetchDataset(lab, set.name()));
  SHOAL_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(local.train_path));
  if (set.kind() == "document") return DocumentSamples(file.text(), command.samples, command.seed);
  return LineSamples(file.text(), set.train().examples(), command.samples, command.seed);
}

void PrintPart(const char* title, const v1::DatasetPart& part) {
  if (part.examples() == 0) return;
  std::printf(
      "%-9s %s examples (%s different), %s of text; bytes each: %s to %s, median %s, 99 %% "
      "below %s\n",
      title, WithCommas(part.examples()).c_str(), WithCommas(part.unique_examples()).c_str(),
      HumanBytes(part.bytes()).c_str(), WithCommas(part.length_min()).c_str(),
      WithCommas(part.length_max()).c_str(), WithCommas(part.length_median()).c_str(),
      WithCommas(part.length_p99()).c_str());
}

void PrintHead(const Globals& globals, const v1::Dataset& set) {
  std::printf("%s  %s, made %s by %s\n",
              Styled(globals.terminal, Style::kBold, Printable(set.name(), false)).c_str(),
              set.kind().c_str(), HumanAgo(ToTime(set.created_at()), globals.clock().Now()).c_str(),
              Printable(set.submitted_by(), false).c_str());
  std::printf("id        %s\n", set.dataset_id().c_str());
  std::printf("source    %s\n", Printable(set.source(), false).c_str());
  std::printf("command   %s\n", Printable(set.command(), false).c_str());
  for (const v1::DataBinding& file : set.files()) {
    std::printf("file      %s  %s  %s\n", file.sha256().c_str(),
                Printable(file.file_name(), false).c_str(), HumanBytes(file.size_bytes()).c_str());
  }
  for (const v1::MixturePart& part : set.mixture()) {
    std::printf("mixed of  %s (%s)  weight %s, %s training examples\n",
                Printable(part.dataset(), false).c_str(), part.dataset_id().substr(0, 12).c_str(),
                Fixed(part.weight(), 4).c_str(), WithCommas(part.train_examples()).c_str());
  }
  PrintPart("train", set.train());
  PrintPart("held out", set.held_out());
}

void PrintReport(const ShowCommand& command, const v1::Dataset& set) {
  const v1::ImportReport& report = set.report();
  std::printf("\n%s\n", RecordsLine(report).c_str());
  if (report.repaired_utf8_bytes() > 0) {
    std::printf("%s bytes were not UTF-8 and became U+FFFD\n",
                WithCommas(report.repaired_utf8_bytes()).c_str());
  }
  if (report.malformed() == 0) return;
  const int limit = command.problems == "all" ? report.problems_size() : kShownProblems;
  std::printf("%s", ProblemLines(report, limit).c_str());
  if (report.problems_size() > limit) {
    std::printf("  `--problems all` lists %d of them\n", report.problems_size());
  } else if (report.malformed() > report.problems_size()) {
    std::printf("  the lab keeps the first %d; importing with --problems all lists every one\n",
                report.problems_size());
  }
}

void PrintSamples(const Globals& globals, const v1::Dataset& set,
                  const std::vector<std::string>& samples) {
  if (samples.empty()) return;
  std::printf("\nsamples\n");
  for (const std::string& sample : samples) {
    if (set.kind() == "document") {
      std::printf("  %s\n\n", Printable(sample, true).c_str());
      continue;
    }
    const absl::StatusOr<data::Record> record = data::ParseRecord(sample);
    std::printf("%s", record.ok() ? SampleText(globals.terminal, *record).c_str()
                                  : StrCat("  ", Printable(sample, false), "\n").c_str());
  }
}

absl::Status Show(const Globals& globals, const ShowCommand& command) {
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const v1::Dataset set, GetDataset(lab, command.name));
  SHOAL_ASSIGN_OR_RETURN(const std::vector<std::string> samples, Samples(lab, command, set));
  if (globals.json) {
    std::string list;
    for (const std::string& sample : samples) {
      StrAppend(list, list.empty() ? "" : ",",
                set.kind() == "document" ? JsonReply::Quote(sample) : sample);
    }
    JsonReply().Add("dataset", set).AddRaw("samples", StrCat("[", list, "]")).Print();
    return absl::OkStatus();
  }
  PrintHead(globals, set);
  if (set.kind() != "document") {
    std::printf("\n%s", LengthHistogram(globals.terminal, set).c_str());
    const int limit = command.labels == "all" ? 1000000 : kShownLabels;
    const std::string labels = LabelTable(globals.terminal, set, limit);
    if (!labels.empty()) std::printf("\n%s", labels.c_str());
  }
  PrintReport(command, set);
  PrintSamples(globals, set, samples);
  return absl::OkStatus();
}

}  // namespace

void AddDatasetShow(CLI::App& dataset, Globals& globals) {
  const auto options = std::make_shared<ShowCommand>();
  CLI::App* command = AddCommand(
      dataset, globals,
      {"show",
       "Show a data set: its parts, lengths, labels, what became of its source, and samples",
       {"shoal dataset show fewrel", "shoal dataset show fewrel --samples 20 --labels all --json"}},
      [&globals, options] { return Show(globals, *options); });
  command->add_option("name", options->name, "A data set: its name, or 8 or more digits of its id")
      ->required();
  command->add_option("--samples", options->samples, "How many training examples to show")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Another seed shows other samples")
      ->capture_default_str();
  command->add_option("--problems", options->problems, "`all` lists what the lab keeps of them")
      ->check(CLI::IsMember({"all"}));
  command->add_option("--labels", options->labels, "`all` lists every label")
      ->check(CLI::IsMember({"all"}));
}

}  // namespace shoal::cli
