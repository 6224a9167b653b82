// shoal completion, and the hidden command that its scripts ask.

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/completion/complete.h"
#include "cli/lab/embedded.h"
#include "cli/lab/shipped.h"
#include "core/base/status.h"
#include "core/spec/field_help.h"

namespace shoal::cli {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(1);  // somebody has pressed a key
constexpr int kMostRuns = 200;

// A lab that answers now; none is started for a completion.
absl::StatusOr<Lab> LivingLab(const Globals& globals) {
  LabOptions options = globals.lab;
  options.start = false;
  options.quiet = true;
  if (options.address.empty() && !EmbeddedLabRuns(options.data_dir)) {
    return absl::UnavailableError("no lab runs");
  }
  return Lab::Connect(options);
}

void AddFields(bool with_equals, std::vector<Candidate>& out) {
  for (const spec::FieldHelp& field : spec::ListFields()) {
    out.push_back({StrCat(field.path, with_equals ? "=" : ""), field.help});
  }
}

void AddShipped(const absl::StatusOr<std::vector<std::string>>& names,
                std::vector<Candidate>& out) {
  if (!names.ok()) return;
  for (const std::string& name : *names) out.push_back({name, "ships with shoal"});
}

void AddSweeps(Lab& lab, std::vector<Candidate>& out) {
  const auto answer =
      Call(lab.service(), &v1::LabService::Stub::ListSweeps, v1::ListSweepsRequest(), kPatience);
  if (!answer.ok()) return;
  for (const v1::Sweep& sweep : answer->sweeps()) {
    out.push_back({sweep.name(), StrCat("sweep of ", sweep.run_count(), " runs")});
  }
}

void AddRuns(Lab& lab, std::vector<Candidate>& out) {
  v1::ListRunsRequest request;
  request.set_limit(kMostRuns);
  const auto answer = Call(lab.service(), &v1::LabService::Stub::ListRuns, request, kPatience);
  out.push_back({"last", "the newest run"});
  out.push_back({"all", "every run"});
  if (!answer.ok()) return;
  for (const v1::Run& run : answer->runs()) out.push_back({run.name(), "run"});
}

void AddWorkers(Lab& lab, std::vector<Candidate>& out) {
  const auto answer =
      Call(lab.service(), &v1::LabService::Stub::ListWorkers, v1::ListWorkersRequest(), kPatience);
  if (!answer.ok()) return;
  for (const v1::Worker& worker : answer->workers()) {
    out.push_back({worker.name(), StrCat("worker of ", worker.slots(), " slots")});
  }
}

void AddDatasets(Lab& lab, std::vector<Candidate>& out) {
  const auto answer = Call(lab.service(), &v1::LabService::Stub::ListDatasets,
                           v1::ListDatasetsRequest(), kPatience);
  if (!answer.ok()) return;
  for (const v1::Dataset& dataset : answer->datasets()) {
    out.push_back({dataset.name(), dataset.source()});
  }
}

void LookUp(const Globals& globals, Wanted wanted, std::vector<Candidate>& out) {
  switch (wanted) {
    case Wanted::kNothing:
    case Wanted::kFile:
      return;
    case Wanted::kField:
    case Wanted::kPath:
      return AddFields(wanted == Wanted::kField, out);
    case Wanted::kRecipe:
      return AddShipped(ShippedNames("recipes"), out);
    case Wanted::kPersona:
      return AddShipped(ShippedNames("personas"), out);
    case Wanted::kRun:
    case Wanted::kSweep:
    case Wanted::kWorker:
    case Wanted::kDataset:
      break;
  }
  absl::StatusOr<Lab> lab = LivingLab(globals);
  if (!lab.ok()) return;
  if (wanted == Wanted::kWorker) return AddWorkers(*lab, out);
  if (wanted == Wanted::kDataset) return AddDatasets(*lab, out);
  if (wanted == Wanted::kRun) AddRuns(*lab, out);
  AddSweeps(*lab, out);
}

absl::Status PrintCandidates(const Globals& globals, const CLI::App& app,
                             const std::vector<std::string>& words) {
  Completion completion = Complete(app, words);
  std::vector<Candidate> found;
  LookUp(globals, completion.wanted, found);
  for (Candidate& candidate : found) {
    if (candidate.text.starts_with(completion.prefix)) {
      completion.candidates.push_back(std::move(candidate));
    }
  }
  for (const Candidate& candidate : completion.candidates) {
    std::printf("%s\t%s\n", Printable(candidate.text, false).c_str(),
                Printable(candidate.help, false).c_str());
  }
  return absl::OkStatus();
}

}  // namespace

void AddCompletion(CLI::App& app, Globals& globals) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* command =
      AddCommand(app, globals,
                 {"completion",
                  "Print the script that completes commands in your shell",
                  {"source <(shoal completion bash)  # now; the script says how for good",
                   "shoal completion fish > ~/.config/fish/completions/shoal.fish"}},
                 [shell]() -> absl::Status {
                   std::printf("%s", CompletionScript(*shell).c_str());
                   return absl::OkStatus();
                 });
  command->add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));

  const auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* complete =
      AddCommand(app, globals,
                 {"complete",
                  "List what may stand at the cursor, for the scripts of `shoal completion`",
                  {"shoal complete -- launch ti", "shoal complete -- dataset show ''"}},
                 [&app, &globals, words] { return PrintCandidates(globals, app, *words); });
  complete->group("");  // for scripts: not listed
  complete->add_option("words", *words, "The words after `shoal`, the unfinished one last");
}

}  // namespace shoal::cli
