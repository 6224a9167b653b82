// shoal dataset lint: what is wrong with a data set, before anything is trained on it.

#include <cstdio>
#include <memory>

#include "cli/commands/dataset.h"
#include "cli/lab/datasets.h"
#include "cli/lab/lint_source.h"
#include "cli/output/lint_report.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

struct Options {
  std::string source;
  std::string held_out;
  int64_t topics = 12;
  double max_exact = 0;  // percent
  double max_near = 1;
  data::LintOptions lint;
  LintSourceOptions reading;
};

// A path, or the name of a data set of the lab.
absl::StatusOr<LintSource> Read(const Globals& globals, const Options& options) {
  if (RealFileSystem().Exists(options.source) || !CheckDatasetName(options.source).ok()) {
    return ReadLintSource(options.source, options.held_out, options.reading);
  }
  SHOAL_ASSIGN_OR_RETURN(Lab lab, Lab::Connect(globals.lab));
  SHOAL_ASSIGN_OR_RETURN(const LocalDataset set, FetchDataset(lab, options.source),
                         "no such file or folder either");
  if (!options.held_out.empty()) {
    return absl::InvalidArgumentError(StrCat(options.source, " is a data set, which has its own ",
                                             "held-out part: leave ", options.held_out, " out"));
  }
  return ReadLintFiles(set.train_path, set.held_out_path, options.reading.held_out_fraction);
}

absl::Status Lint(Globals& globals, Options& options) {
  SHOAL_ASSIGN_OR_RETURN(const LintSource source, Read(globals, options));
  for (const std::string& note : source.notes) {
    std::fprintf(stderr, "%s\n", Printable(note, true).c_str());
  }
  options.lint.max_exact = options.max_exact / 100;
  options.lint.max_near = options.max_near / 100;
  const data::LintReport report = data::LintData(source.train, source.held_out, options.lint);
  const LintNames names{options.source, source.train_name, source.held_out_name};
  if (globals.json) {
    std::printf("{\"schema\":1,%s}\n", LintJsonMembers(report, names).c_str());
  } else {
    std::printf("%s", RenderLint(report, names, globals.terminal, options.topics).c_str());
  }
  if (!report.passed()) globals.exit_code = kJobFailed;
  return absl::OkStatus();
}

}  // namespace

void AddDatasetLint(CLI::App& dataset, Globals& globals) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      AddCommand(dataset, globals,
                 {"lint",
                  "Look for leaks and repetition in training data",
                  {"shoal dataset lint my-chats", "shoal dataset lint train.jsonl eval.jsonl",
                   "shoal dataset lint personas/pebble.yaml"},
                  "Exit code 3 when the held-out side leaks (exact or near copies of training, for "
                  "plain text long word sequences) or a template's blanks are unresolved; "
                  "warnings do not change it."},
                 [&globals, options] { return Lint(globals, *options); });
  command
      ->add_option("source", options->source,
                   "A data set of the lab, a folder with train and eval (or held_out, val, test) "
                   ".jsonl or .txt, a file, or a persona's .yaml")
      ->required();
  command->add_option("held-out", options->held_out,
                      "The held-out file; without it a single file is split as training would");
  command->add_option("--topics", options->topics, "Topics to show, the most repetitive first")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->add_option("--show", options->lint.shown, "Leaks and repeated answers to show of a kind")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command
      ->add_option("--max-exact", options->max_exact,
                   "Percent of held-out examples that may be exact copies")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command
      ->add_option("--max-near", options->max_near,
                   "Percent of held-out examples that may be near copies")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command
      ->add_option("--max-unresolved", options->lint.max_unresolved,
                   "Examples that may hold what looks like a template's blank")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 60))
      ->capture_default_str();
  command
      ->add_option("--similarity", options->lint.similarity,
                   "From which similarity on a text is a near copy (Jaccard, of 5-byte strings)")
      ->check(CLI::Range(0.3, 1.0))
      ->capture_default_str();
  command
      ->add_option("--held-out-fraction", options->reading.held_out_fraction,
                   "Share kept apart of a single file or a persona")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command
      ->add_option("--conversations", options->reading.conversations,
                   "Conversations to generate of a persona")
      ->check(CLI::Range(int64_t{1}, int64_t{100'000'000}))
      ->capture_default_str();
  command->add_option("--seed", options->reading.seed, "Seed of a persona's conversations")
      ->capture_default_str();
}

}  // namespace shoal::cli
