// How fast a recipe trains: the time of a step, and where it goes.
//
//   train_speed RECIPE.yaml TRAIN.jsonl TOKENIZER.json [steps] [backend] [dtype] [threads]
//
// Prints one line per ten steps, tokens per second without the first ten, and the time of every
// operation. A tool for people; nothing tests it.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "core/data/text_source.h"
#include "core/spec/spec.h"
#include "worker/engine/generate/generator.h"
#include "worker/engine/train/trainer.h"

namespace shoal {
namespace {

// Seconds of processor time that this process has used, all threads together: on a busy machine it
// says more than the wall clock.
double ProcessorSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

struct Arguments {
  std::string recipe, text, tokenizer, backend = "onednn", dtype = "f32";
  int steps = 60, threads = 1;
};

void PrintGeneration(engine::Device& device, const v1::RunSpec& spec, engine::Trainer& trainer,
                     const data::Tokenizer& tokenizer) {
  const SystemClock clock;
  auto generator =
      engine::Generator::Create(device, spec.model(), trainer.weights(), tokenizer, clock);
  if (!generator.ok()) return;
  v1::GenerateRequest request;
  auto* message = request.mutable_conversation()->add_messages();
  message->set_role("user");
  message->set_content("hello");
  request.mutable_sampling()->set_max_tokens(64);
  for (int i = 0; i < 3; ++i) {
    const double before = ProcessorSeconds();
    const auto done = (*generator)->Generate(request, nullptr);
    if (!done.ok()) return;
    std::printf("processor time %.2f ms; ", (ProcessorSeconds() - before) * 1e3);
    std::printf("generate: %d + %d tokens, first after %.2f ms, then %.0f tok/s\n",
                done->prompt_tokens(), done->generated_tokens(), done->time_to_first_token_ms(),
                done->decode_tokens_per_s());
  }
}

absl::Status Run(const Arguments& arguments) {
  RealFileSystem files;
  const SystemClock clock;
  SHOAL_ASSIGN_OR_RETURN(spec::SpecFile file, spec::ParseSpecFile(arguments.recipe));
  v1::RunSpec& spec = file.run;
  spec::FillDefaults(spec);
  spec.mutable_train()->set_dtype(arguments.dtype);
  SHOAL_ASSIGN_OR_RETURN(data::Tokenizer tokenizer, data::Tokenizer::Load(arguments.tokenizer));
  SHOAL_ASSIGN_OR_RETURN(auto source, data::ReadJsonl(arguments.text));
  SHOAL_ASSIGN_OR_RETURN(TempDir dir, TempDir::Make("", "shoal-bench-"));
  SHOAL_RETURN_IF_ERROR(data::Tokenize(
      source.examples, tokenizer, {.max_seq = spec.model().max_seq()}, files, dir.File("shard")));
  SHOAL_ASSIGN_OR_RETURN(data::Shard shard, data::Shard::Open(dir.File("shard")));
  SHOAL_ASSIGN_OR_RETURN(auto device, engine::Device::Open({.backend = arguments.backend,
                                                            .threads = arguments.threads}));
  engine::TrainerOptions options;
  options.model = spec.model();
  SHOAL_ASSIGN_OR_RETURN(options.vocab_size,
                         spec::ResolveVocabSize(spec.model(), tokenizer.vocab_size()));
  options.train = spec.train();
  options.profile = true;
  const absl::Duration begin = clock.Boottime();
  SHOAL_ASSIGN_OR_RETURN(auto trainer, engine::Trainer::Create(*device, options, shard, shard));
  std::printf("%ld parameters, %.1f MiB, prepared in %.0f ms\n", trainer->parameters(),
              static_cast<double>(trainer->memory_bytes()) / 1048576,
              absl::ToDoubleMilliseconds(clock.Boottime() - begin));
  double processor = ProcessorSeconds();
  absl::Duration start = clock.Boottime();
  int64_t rows_before = 0;
  double flops_before = 0;
  for (int i = 0; i < arguments.steps; ++i) {
    if (i == 10) {
      start = clock.Boottime();
      processor = ProcessorSeconds();
      rows_before = trainer->totals().rows;
      flops_before = trainer->totals().flops;
    }
    SHOAL_ASSIGN_OR_RETURN(const engine::StepResult result, trainer->Step());
    if (i % 10 == 9)
      std::printf("step %d loss %.4f norm %.3f\n", i + 1, result.loss, result.gradient_norm);
  }
  const double seconds = absl::ToDoubleSeconds(clock.Boottime() - start);
  std::printf("%.0f tok/s, %.1f GFLOP/s, %.2f ms a step\n",
              static_cast<double>(trainer->totals().rows - rows_before) / seconds,
              (trainer->totals().flops - flops_before) / seconds / 1e9,
              seconds / (arguments.steps - 10) * 1e3);
  processor = ProcessorSeconds() - processor;
  std::printf("processor time: %.2f ms a step, %.0f tok per second of it\n",
              processor / (arguments.steps - 10) * 1e3,
              static_cast<double>(trainer->totals().rows - rows_before) / processor);
  PrintGeneration(*device, spec, *trainer, tokenizer);
  std::printf("%s", trainer->ProfileReport().c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace shoal

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(
        stderr,
        "usage: train_speed RECIPE TRAIN.jsonl TOKENIZER [steps] [backend] [dtype] [threads]\n");
    return 2;
  }
  shoal::Arguments arguments;
  arguments.recipe = argv[1];
  arguments.text = argv[2];
  arguments.tokenizer = argv[3];
  if (argc > 4) arguments.steps = std::max(std::atoi(argv[4]), 11);
  if (argc > 5) arguments.backend = argv[5];
  if (argc > 6) arguments.dtype = argv[6];
  if (argc > 7) arguments.threads = std::atoi(argv[7]);
  const absl::Status status = shoal::Run(arguments);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
