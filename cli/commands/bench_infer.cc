// shoal bench infer: how fast a model answers one request at a time.
#include <cstdio>
#include <memory>

#include "cli/commands/bench.h"
#include "cli/output/format.h"
#include "core/base/status.h"

namespace shoal::cli {
namespace {

struct InferOptions {
  std::string model = "guppy";
  int prompt = 64, decode = 48, repeats = 20;
  std::string backend = "onednn";
  std::string dtype;  // empty: bf16 where the machine has it
  int threads = 1;
};

// A BERT's shape, with a classifier's head in place of what it was trained with.
v1::ModelSpec Answering(v1::ModelSpec model) {
  if (model.head() != "mlm") return model;
  model.set_head("classifier");
  if (model.n_labels() == 0) model.set_n_labels(64);
  return model;
}

void Print(const v1::BenchInferReport& report) {
  const std::string where =
      WhereText(report.dtype(), report.backend(), report.isa(), report.threads());
  std::printf("%s, %s parameters, one request at a time, %s\n", report.model().c_str(),
              WithCommas(static_cast<int64_t>(report.parameters())).c_str(), where.c_str());
  if (report.classify_ms() > 0) {
    std::printf(
        "%s ms for the label of a text of %d tokens (median of %d; 10 %% below %s, 10 %% "
        "above %s)\n",
        MillisecondsText(report.classify_ms()).c_str(), report.prompt(), report.repeats(),
        MillisecondsText(report.classify_ms_p10()).c_str(),
        MillisecondsText(report.classify_ms_p90()).c_str());
  } else {
    std::printf("decodes %s tokens/s (%d after the prompt, median of %d)\n",
                WithCommas(static_cast<int64_t>(report.decode_tokens_per_s())).c_str(),
                report.decode(), report.repeats());
    std::printf("prefills %s tokens/s: %s ms to the first token after a prompt of %d\n",
                WithCommas(static_cast<int64_t>(report.prefill_tokens_per_s())).c_str(),
                MillisecondsText(report.ttft_ms()).c_str(), report.prompt());
  }
  std::printf("%s MiB resident at most\n", Fixed(report.rss_mib(), 0).c_str());
}

absl::Status BenchInfer(const Globals& globals, const InferOptions& options) {
  SHOAL_ASSIGN_OR_RETURN(const spec::ModelPreset preset, spec::FindModelPreset(options.model));
  v1::BenchOrder order;
  v1::BenchInferOrder& infer = *order.mutable_infer();
  *infer.mutable_model() = Answering(preset.model);
  infer.set_model_name(preset.name);
  infer.set_prompt(options.prompt);
  infer.set_decode(options.decode);
  infer.set_repeats(options.repeats);
  infer.set_backend(options.backend);
  infer.set_dtype(DtypeOr(options.dtype));
  infer.set_threads(ThreadsOr(options.threads));
  v1::BenchInferReport report;
  SHOAL_RETURN_IF_ERROR(RunBench(order, infer.threads(), report));
  if (globals.json) {
    JsonReply().Add("bench", report).Print();
  } else {
    Print(report);
  }
  return absl::OkStatus();
}

}  // namespace

void AddBenchInfer(CLI::App& bench, Globals& globals) {
  const auto options = std::make_shared<InferOptions>();
  CLI::App* infer = AddCommand(
      bench, globals,
      {"infer",
       "Answer with a model of a known shape, one request at a time",
       {"shoal bench infer --model guppy --dtype f32",
        "shoal bench infer --model bert1 --prompt 64 --threads 2  # an encoder labels a text"},
       "No lab is needed. Weights and prompt are random; decoding is greedy, one token after the "
       "other. The time to the first token is that of the prompt alone."},
      [&globals, options] { return BenchInfer(globals, *options); });
  infer
      ->add_option("--model", options->model, ModelsHelp([](const v1::ModelSpec&) { return true; }))
      ->capture_default_str();
  infer->add_option("--prompt", options->prompt, "Tokens of the prompt, or of the text to label")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  infer->add_option("--decode", options->decode, "Tokens decoded after the prompt")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  infer->add_option("--repeats", options->repeats, "Requests that count")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  infer->add_option("--backend", options->backend, "Backend (shoal doctor lists them)")
      ->capture_default_str();
  infer
      ->add_option("--dtype", options->dtype,
                   "Arithmetic of matrix products (default: bf16 where the processor has it)")
      ->check(CLI::IsMember({"bf16", "f32"}));
  infer->add_option("--threads", options->threads, "Threads; 0: the machine's cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

}  // namespace shoal::cli
