#include "core/spec/training_memory.h"

#include "core/spec/model_presets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::spec {
namespace {

v1::ModelSpec Guppy() {
  v1::ModelSpec model = FindModelPreset("guppy")->model;
  model.clear_vocab_size();
  return model;
}

TEST(TrainingMemory, OfGuppyLm) {
  v1::RunSpec spec;
  *spec.mutable_model() = Guppy();
  EXPECT_EQ(LargestBatchRows(spec), 32 * 128);
  const MemoryEstimate f32 = EstimateTrainingMemory(spec, 4096, 1280, false);
  const MemoryEstimate bf16 = EstimateTrainingMemory(spec, 4096, 1280, true, 1000);
  EXPECT_EQ(f32.parameters, 4 * 8'726'016);
  EXPECT_EQ(f32.optimizer, 8 * 8'726'016);
  EXPECT_EQ(f32.copies, 0);
  EXPECT_EQ(bf16.copies, 2 * 8'726'016);
  EXPECT_EQ(bf16.data, 1000);
  EXPECT_LT(bf16.activations, f32.activations);
  EXPECT_EQ(f32.total, f32.parameters + f32.gradients + f32.optimizer + f32.copies +
                           f32.activations + f32.logits + f32.primitives + f32.data + f32.process);
  EXPECT_EQ(f32.logits, int64_t{1024} * 4096 * 4);
  EXPECT_EQ(f32.samples, 0);
  spec.mutable_samples()->add_prompts("Hello");
  EXPECT_GE(EstimateTrainingMemory(spec, 4096, 1280, false).samples, 128 * 6 * 2 * 384 * 4);
  // Twice the rows, about twice the activations.
  const MemoryEstimate twice = EstimateTrainingMemory(spec, 4096, 2560, false);
  EXPECT_GT(twice.activations, f32.activations * 18 / 10);

  spec.mutable_train()->mutable_batch()->set_unit("tokens");
  spec.mutable_train()->mutable_batch()->set_size(4096);
  EXPECT_EQ(LargestBatchRows(spec), 4096);
}

MemoryEstimate Of(std::string_view preset, int64_t rows) {
  v1::RunSpec spec;
  *spec.mutable_model() = FindModelPreset(preset)->model;
  return EstimateTrainingMemory(spec, spec.model().vocab_size(), rows, false);
}

TEST(TrainingMemory, OfWhatTheFormsKeep) {
  v1::RunSpec spec;
  *spec.mutable_model() = Guppy();
  const auto activations = [&](auto edit) {
    v1::RunSpec other = spec;
    edit(*other.mutable_model());
    return EstimateTrainingMemory(other, 4096, 1024, false).activations;
  };
  const int64_t plain = activations([](auto&) {});
  EXPECT_LT(activations([](auto& m) { m.set_n_kv_heads(2); }), plain);
  EXPECT_LT(activations([](auto& m) { m.set_block("parallel"); }), plain);
  EXPECT_GT(activations([](auto& m) { m.set_feed_forward("glu"); }), plain);
  EXPECT_GT(activations([](auto& m) { m.set_embedding_norm(true); }), plain);
}

TEST(TrainingMemory, OfAveragesAndHeads) {
  v1::RunSpec spec;
  *spec.mutable_model() = Guppy();
  const MemoryEstimate plain = EstimateTrainingMemory(spec, 4096, 1024, false);
  spec.mutable_train()->set_ema_decay(0.99);
  const MemoryEstimate averaged = EstimateTrainingMemory(spec, 4096, 1024, false);
  EXPECT_EQ(averaged.average, averaged.parameters);
  EXPECT_EQ(averaged.total, plain.total + averaged.average);

  spec.mutable_model()->set_head("classifier");
  EXPECT_EQ(EstimateTrainingMemory(spec, 4096, 1024, false).logits, 0);
}

TEST(TrainingMemory, OfThreeBillionParametersDoesNotOverflow) {
  EXPECT_GT(Of("tiny-aya", 128).total, int64_t{3'349'227'520} * 16);
  EXPECT_LT(Of("tiny-aya", 128).total, int64_t{3'349'227'520} * 17);
}

}  // namespace
}  // namespace shoal::spec
