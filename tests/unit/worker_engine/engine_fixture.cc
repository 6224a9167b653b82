#include "tests/unit/worker_engine/engine_fixture.h"

#include <span>

#include "core/base/random.h"
#include "core/data/conversation.h"
#include "core/spec/spec.h"

namespace shoal::engine {

void EngineTest::SetUp() {
  ASSERT_OK_AND_ASSIGN(device_, Device::Open({.backend = "reference"}));
  train_ = MakeShard(24, "train.shard");
  held_out_ = MakeShard(7, "held_out.shard");
}

data::Tokenizer EngineTest::ByteTokenizer() {
  data::TokenizerParts parts;
  const std::string_view specials[] = {data::kPadToken, data::kStartToken, data::kEndToken};
  for (std::string_view special : specials) {
    parts.added.push_back({static_cast<int32_t>(parts.tokens.size()), std::string(special)});
    parts.tokens.emplace_back(std::string(special));
  }
  for (int byte = 0; byte < 256; ++byte) {
    parts.tokens.emplace_back(std::string(1, static_cast<char>(byte)));
  }
  absl::StatusOr<data::Tokenizer> tokenizer = data::Tokenizer::FromParts(std::move(parts));
  EXPECT_OK(tokenizer);
  return *std::move(tokenizer);
}

data::Shard EngineTest::MakeShard(int count, const std::string& name) {
  std::vector<data::Example> examples;
  Random random(7, PurposeOf(Purpose::kTest), static_cast<uint64_t>(count));
  for (int i = 0; i < count; ++i) {
    std::string text;
    for (uint64_t n = 3 + random.Below(12); n > 0; --n) {
      text += static_cast<char>('a' + random.Below(6));
    }
    examples.push_back(data::ExampleFromText(text));
  }
  const auto report =
      data::Tokenize(examples, ByteTokenizer(), {.max_seq = 16}, files_, Path(name));
  EXPECT_OK(report);
  absl::StatusOr<data::Shard> shard = data::Shard::Open(Path(name));
  EXPECT_OK(shard);
  return *std::move(shard);
}

v1::ModelSpec EngineTest::TinyModel() {
  v1::ModelSpec model;
  model.set_n_layers(2);
  model.set_d_model(16);
  model.set_n_heads(2);
  model.set_d_ff(24);
  model.set_max_seq(16);
  model.mutable_dropout();
  spec::FillDefaults(model);
  return model;
}

v1::TrainSpec EngineTest::TinyTrain(int64_t steps) {
  v1::TrainSpec train;
  train.set_steps(steps);
  train.mutable_batch()->set_size(4);
  train.mutable_optimizer()->set_lr(0.01);
  train.mutable_schedule()->set_warmup_steps(3);
  train.set_dtype("f32");
  spec::FillDefaults(train);
  return train;
}

TrainerOptions EngineTest::TinyOptions(int64_t steps) {
  TrainerOptions options;
  options.model = TinyModel();
  options.vocab_size = 259;
  options.train = TinyTrain(steps);
  options.seed = 5;
  options.numerics.set_backend("reference");
  options.numerics.set_dtype("f32");
  return options;
}

std::unique_ptr<Trainer> EngineTest::MakeTrainer(const TrainerOptions& options) {
  absl::StatusOr<std::unique_ptr<Trainer>> trainer =
      Trainer::Create(*device_, options, *train_, held_out_);
  EXPECT_OK(trainer);
  return trainer.ok() ? *std::move(trainer) : nullptr;
}

}  // namespace shoal::engine
