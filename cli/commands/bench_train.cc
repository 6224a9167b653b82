// shoal bench train: steps of a model of a known shape, timed.
#include <cstdio>
#include <memory>

#include "cli/commands/bench.h"
#include "cli/output/format.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/shard.h"
#include "core/data/training_text.h"

namespace shoal::cli {
namespace {

struct TrainOptions {
  std::string model = "guppy";
  int batch = 0, seq = 0;  // 0: the model's own
  int steps = 20, warmup_steps = 3;
  std::string backend = "onednn";
  std::string dtype;  // empty: bf16 where the machine has it
  int threads = 0;    // 0: the machine's cores
  std::string data;   // empty: random tokens
  bool profile = false;
};

absl::StatusOr<v1::BenchTrainOrder> OrderOf(const TrainOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const spec::ModelPreset preset, spec::FindModelPreset(options.model));
  v1::BenchTrainOrder order;
  *order.mutable_model() = preset.model;
  order.set_model_name(preset.name);
  order.set_batch(options.batch > 0 ? options.batch : preset.batch);
  order.set_seq(options.seq > 0 ? options.seq : preset.seq);
  order.set_steps(options.steps);
  order.set_warmup_steps(options.warmup_steps);
  order.set_backend(options.backend);
  order.set_dtype(DtypeOr(options.dtype));
  order.set_threads(ThreadsOr(options.threads));
  order.set_profile(options.profile);
  return order;
}

// <folder>/train.jsonl (or .txt) by <folder>/tokenizer.json, as the model would read it.
absl::Status TokenizeFolder(const std::string& folder, const v1::ModelSpec& model,
                            const std::string& path) {
  RealFileSystem files;
  std::string train = JoinPath(folder, "train.jsonl");
  if (!files.Exists(train)) train = JoinPath(folder, "train.txt");
  const std::string tokenizer_path = JoinPath(folder, "tokenizer.json");
  if (!files.Exists(train) || !files.Exists(tokenizer_path)) {
    return absl::InvalidArgumentError(
        StrCat("--data: ", folder, " needs train.jsonl (or train.txt) and tokenizer.json"));
  }
  SHOAL_ASSIGN_OR_RETURN(const data::Tokenizer tokenizer, data::Tokenizer::Load(tokenizer_path));
  SHOAL_ASSIGN_OR_RETURN(const data::SplitSource split,
                         data::ReadTrainingText({train, train}, {}, 0.05));
  data::TokenizeOptions options;
  options.max_seq = model.max_seq();
  options.whole = model.head() != "lm";
  if (model.head() == "classifier") options.classes = data::ClassesOf(split.train.examples);
  return data::Tokenize(split.train.examples, tokenizer, options, files, path).status();
}

void Print(const v1::BenchTrainReport& report) {
  const std::string where =
      WhereText(report.dtype(), report.backend(), report.isa(), report.threads());
  const std::string size = report.seq() > 0
                               ? StrCat(report.batch(), " x ", report.seq(), " tokens a step")
                               : StrCat(report.batch(), " examples a step");
  std::printf("%s, %s parameters, %s, %s\n", report.model().c_str(),
              WithCommas(static_cast<int64_t>(report.parameters())).c_str(), size.c_str(),
              where.c_str());
  std::printf("%s tokens/s, %s ms a step (median of %d; 10 %% below %s, 10 %% above %s)\n",
              WithCommas(static_cast<int64_t>(report.tokens_per_s())).c_str(),
              MillisecondsText(report.step_ms()).c_str(), report.steps(),
              MillisecondsText(report.step_ms_p10()).c_str(),
              MillisecondsText(report.step_ms_p90()).c_str());
  const std::string useful = Fixed(report.useful_gflops(), 1);
  if (report.peak_gflops() > 0) {
    std::printf("%s GFLOP/s, %s %% of the %s that these cores can do at most (measured now)\n",
                useful.c_str(), Fixed(report.fraction_of_peak() * 100, 1).c_str(),
                Fixed(report.peak_gflops(), 0).c_str());
  } else {
    std::printf("%s GFLOP/s; the peak of this processor is not known\n", useful.c_str());
  }
  std::printf("%s MiB resident at most\n", Fixed(report.rss_mib(), 0).c_str());
  if (!report.profile().empty()) std::printf("\n%s", report.profile().c_str());
}

absl::Status BenchTrain(const Globals& globals, const TrainOptions& options) {
  v1::BenchOrder order;
  SHOAL_ASSIGN_OR_RETURN(*order.mutable_train(), OrderOf(options));
  SHOAL_ASSIGN_OR_RETURN(const TempDir temp, TempDir::Make("", "shoal-bench-"));
  if (!options.data.empty()) {
    const std::string shard = temp.File("train.shard");
    SHOAL_RETURN_IF_ERROR(TokenizeFolder(options.data, order.train().model(), shard));
    order.mutable_train()->set_train_shard(shard);
    order.mutable_train()->set_seq(0);
  }
  v1::BenchTrainReport report;
  SHOAL_RETURN_IF_ERROR(RunBench(order, order.train().threads(), report));
  if (globals.json) {
    JsonReply().Add("bench", report).Print();
  } else {
    Print(report);
  }
  return absl::OkStatus();
}

}  // namespace

void AddBenchTrain(CLI::App& bench, Globals& globals) {
  const auto options = std::make_shared<TrainOptions>();
  CLI::App* train = AddCommand(
      bench, globals,
      {"train",
       "Train a model of a known shape on random tokens, and time its steps",
       {"shoal bench train --model guppy --dtype f32",
        "shoal bench train --model gpt45 --batch 4 --seq 64 --profile  # where the time goes"},
       "No lab is needed. A GFLOP/s is one of useful work: the matrix products of forward and "
       "backward, half of causal attention. Compare only figures of one moment; the median "
       "forgives "
       "what else the machine does, but not all."},
      [&globals, options] { return BenchTrain(globals, *options); });
  train
      ->add_option("--model", options->model, ModelsHelp([](const v1::ModelSpec& model) {
                     return model.head() != "classifier";
                   }))
      ->capture_default_str();
  train
      ->add_option("--data", options->data,
                   "Train on the examples of this folder (train.jsonl, tokenizer.json), --batch at "
                   "a time; tokens/s then counts real tokens")
      ->type_name("DIR");
  train->add_option("--batch", options->batch, "Examples a step (default: the model's)")
      ->check(CLI::Range(1, 65536));
  train->add_option("--seq", options->seq, "Tokens of an example (default: the model's)")
      ->check(CLI::Range(1, 65536));
  train->add_option("--steps", options->steps, "Steps that count")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  train->add_option("--warmup-steps", options->warmup_steps, "Steps before those")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  train->add_option("--backend", options->backend, "Backend (shoal doctor lists them)")
      ->capture_default_str();
  train
      ->add_option("--dtype", options->dtype,
                   "Arithmetic of matrix products (default: bf16 where the processor has it)")
      ->check(CLI::IsMember({"bf16", "f32"}));
  train->add_option("--threads", options->threads, "Threads (default: the machine's cores)")
      ->check(CLI::Range(1, 1024));
  train->add_flag("--profile", options->profile, "Also time every operation, slowest first");
}

}  // namespace shoal::cli
