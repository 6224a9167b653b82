// A tiny model, tiny data and an open reference device, for tests of the engine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/data/shard.h"
#include "core/data/tokenizer/tokenizer.h"
#include "shoal/v1/spec.pb.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "worker/engine/backend/backend.h"
#include "worker/engine/train/trainer.h"

namespace shoal::engine {

class EngineTest : public TempDirTest {
 protected:
  void SetUp() override;

  // A byte-level tokenizer without merges: ids 0..2 are special, 3 + b is byte b.
  static data::Tokenizer ByteTokenizer();
  // A shard of `count` short made-up texts, cut for 16 positions.
  data::Shard MakeShard(int count, const std::string& name);
  // Two layers, width 16, two heads, 16 positions, 259 tokens; complete.
  static v1::ModelSpec TinyModel();
  // AdamW, 4 examples a step, f32; complete.
  static v1::TrainSpec TinyTrain(int64_t steps);
  static TrainerOptions TinyOptions(int64_t steps);
  std::unique_ptr<Trainer> MakeTrainer(const TrainerOptions& options);

  std::unique_ptr<Device> device_;
  std::optional<data::Shard> train_, held_out_;
};

}  // namespace shoal::engine
