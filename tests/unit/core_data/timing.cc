// Times the data pipeline at the size of a usual run. A check by hand, not a test:
//
//   core_data_timing [personas/pebble.yaml] [60000]
//   core_data_timing conversations.jsonl
#include <cstdio>
#include <cstdlib>

#include "absl/time/clock.h"
#include "core/base/file.h"
#include "core/data/batcher.h"
#include "core/data/persona/persona.h"
#include "core/data/shard.h"
#include "core/data/text_source.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "tests/support/paths.h"

namespace shoal::data {
namespace {

class Stopwatch {
 public:
  double Lap() {
    const absl::Time now = absl::Now();
    const double seconds = absl::ToDoubleSeconds(now - start_);
    start_ = now;
    return seconds;
  }

 private:
  absl::Time start_ = absl::Now();
};

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(result);
}

void PrintReport(const PersonaReport& r) {
  std::printf(
      "  unique conversations %.1f %%, answers %.1f %%, prompts %.1f %%; words %d..%d, %.1f\n",
      100.0 * double(r.unique_conversations) / double(r.conversations),
      100.0 * double(r.unique_responses) / double(r.conversations),
      100.0 * double(r.unique_prompts) / double(r.conversations), int(r.response_words_min),
      int(r.response_words_max), r.response_words_mean);
  for (const TopicReport& t : r.topics) {
    std::printf("  %-14s %6d conversations %6d answers %6d prompts\n", t.topic.c_str(),
                int(t.conversations), int(t.unique_responses), int(t.unique_prompts));
  }
}

void TimeVocabulary(const std::vector<Example>& examples, int32_t vocab_size,
                    const std::string& folder) {
  Stopwatch watch;
  BpeTrainer trainer({.vocab_size = vocab_size});
  for (const Example& example : examples) trainer.AddText(example.text);
  const double counted = watch.Lap();
  BpeTrainerReport learned;
  const Tokenizer tokenizer = Must(trainer.Train(&learned));
  std::printf("train %d: count %.3f s, merge %.3f s; %d of %d tokens, %d unique words\n",
              vocab_size, counted, watch.Lap(), learned.vocab_size, vocab_size,
              int(learned.unique_words));

  Encoder encoder(tokenizer);
  std::vector<int32_t> tokens;
  std::vector<uint8_t> response;
  int64_t total = 0;
  for (const Example& example : examples) {
    EncodeExample(example, encoder, tokens, response);
    total += int64_t(tokens.size());
  }
  std::printf("encode all: %.3f s, %.1f tokens each\n", watch.Lap(),
              double(total) / double(examples.size()));

  RealFileSystem files;
  const std::string path = folder + "/timing.shard";
  Must(Tokenize(examples, tokenizer, {.max_seq = 128}, files, path));
  std::printf("tokenize and write: %.3f s\n", watch.Lap());
  Batcher batcher =
      Must(Batcher::Create(Must(Shard::Open(path)),
                           {.unit = BatchUnit::kTokens, .size = 4096, .loss_on = LossOn::kAll}));
  std::printf("open and plan: %.3f s\n", watch.Lap());
  Batch batch = batcher.MakeBatch();
  const int64_t steps = batcher.StepsInEpoch(0);
  for (int64_t step = 0; step < steps; ++step) batcher.Fill(step, batch);
  const double filled = watch.Lap();
  std::printf("one epoch of %d batches: %.3f s, %.1f us each\n", int(steps), filled,
              1e6 * filled / double(steps));
}

std::vector<Example> FromPersona(const std::string& path, int64_t count) {
  Stopwatch watch;
  const Persona persona = Must(Persona::Load(path));
  const double loaded = watch.Lap();
  const PersonaData data = Must(GeneratePersona(persona, count, 1));
  std::printf("load %.3f s, generate %d: %.3f s\n", loaded, int(count), watch.Lap());
  PrintReport(data.report);
  for (size_t i = 0; i < 24 && i < data.train.size(); ++i) {
    std::printf("  > %s\n    %s\n", data.train[i].messages[0].content.c_str(),
                data.train[i].messages[1].content.c_str());
  }
  std::printf("held out %d\n", int(data.held_out.size()));
  return RenderAll(data.train);
}

std::vector<Example> FromJsonl(const std::string& path) {
  Stopwatch watch;
  Source source = Must(ReadJsonl(path));
  std::printf("read: %.3f s; %s", watch.Lap(), FormatProblems(source.report).c_str());
  return std::move(source.examples);
}

int Main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : SourcePath("personas/pebble.yaml");
  const std::vector<Example> examples =
      path.ends_with(".jsonl") ? FromJsonl(path)
                               : FromPersona(path, argc > 2 ? std::atoll(argv[2]) : 60'000);
  int64_t bytes = 0;
  for (const Example& example : examples) bytes += int64_t(example.text.size());
  std::printf("%d examples, %.2f MB of text\n", int(examples.size()), double(bytes) / 1e6);
  const TempDir folder = Must(TempDir::Make());
  TimeVocabulary(examples, 2048, folder.path());
  TimeVocabulary(examples, 4096, folder.path());
  return 0;
}

}  // namespace
}  // namespace shoal::data

int main(int argc, char** argv) { return shoal::data::Main(argc, argv); }
