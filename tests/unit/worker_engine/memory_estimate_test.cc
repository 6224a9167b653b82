// What core/spec expects a training step to keep is what the planner places, in every form.
#include <algorithm>
#include <string>

#include "core/spec/model_presets.h"
#include "core/spec/spec.h"
#include "core/spec/training_memory.h"
#include "tests/support/status_matchers.h"
#include "worker/engine/model/transformer.h"
#include "worker/engine/train/train_programs.h"

namespace shoal::engine {
namespace {

constexpr int64_t kRows = 4096, kSequences = 64, kLabels = 8;

int64_t ArenaBytes(const v1::RunSpec& spec, Dtype act) {
  const v1::ModelSpec& form = spec.model();
  const Transformer model(form, form.vocab_size(), kLabels);
  const ParameterLayout layout(model.Parameters());
  const int64_t selected = form.head() == "mlm"          ? kRows / 6
                           : form.head() == "classifier" ? kSequences
                                                         : kRows;
  IoLayout io;
  const absl::StatusOr<Program> program = RecordAccumulate(
      {model, layout, io, act, {.rows = kRows, .sequences = kSequences, .selected = selected}},
      spec.train());
  EXPECT_OK(program);
  return program.ok() ? program->arena_bytes : 0;
}

class MemoryEstimateTest : public testing::TestWithParam<const char*> {
 protected:
  void Check(v1::RunSpec spec) {
    spec::FillDefaults(spec);
    for (const bool bf16 : {false, true}) {
      const auto placed = static_cast<double>(ArenaBytes(spec, bf16 ? Dtype::kBf16 : Dtype::kF32));
      const auto expected = static_cast<double>(
          spec::EstimateTrainingMemory(spec, spec.model().vocab_size(), kRows, bf16).activations);
      EXPECT_LT(placed, 1.02 * expected) << (bf16 ? "bf16" : "f32");
      EXPECT_GT(placed, 0.84 * expected) << (bf16 ? "bf16" : "f32");
    }
  }
  static v1::RunSpec Preset() {
    v1::RunSpec spec;
    *spec.mutable_model() = spec::FindModelPreset(GetParam())->model;
    return spec;
  }
};

TEST_P(MemoryEstimateTest, OfThePreset) { Check(Preset()); }

TEST_P(MemoryEstimateTest, WithAParallelBlock) {
  v1::RunSpec spec = Preset();
  spec.mutable_model()->set_norm_placement("pre");
  spec.mutable_model()->set_block("parallel");
  Check(spec);
}

TEST_P(MemoryEstimateTest, WithAGate) {
  v1::RunSpec spec = Preset();
  spec.mutable_model()->set_feed_forward("glu");
  Check(spec);
}

TEST_P(MemoryEstimateTest, WithLabels) {
  v1::RunSpec spec = Preset();
  spec.mutable_model()->set_head("classifier");
  Check(spec);
}

INSTANTIATE_TEST_SUITE_P(Presets, MemoryEstimateTest,
                         testing::Values("tiny", "guppy", "llama-tiny", "bert1", "bert6", "gpt45",
                                         "babyllama"),
                         [](const auto& preset) {
                           std::string name(preset.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace shoal::engine
