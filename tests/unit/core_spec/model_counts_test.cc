#include "core/spec/model_counts.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::spec {
namespace {

v1::ModelSpec Guppy() {
  v1::ModelSpec model;
  model.set_n_layers(6);
  model.set_d_model(384);
  model.set_n_heads(6);
  model.set_d_ff(768);
  model.set_max_seq(128);
  model.set_activation("relu");
  return model;
}

v1::ModelSpec Gpt2(int layers, int width) {
  v1::ModelSpec model;
  model.set_n_layers(layers);
  model.set_d_model(width);
  model.set_n_heads(width / 64);
  model.set_max_seq(1024);
  return model;
}

TEST(ModelCounts, GuppyLm) {
  const ParameterCounts counts = CountParameters(Guppy(), 4096);
  EXPECT_EQ(counts.total, 8'726'016);
  EXPECT_EQ(counts.token_embedding, 1'572'864);
  EXPECT_EQ(counts.position_embedding, 49'152);
  EXPECT_EQ(counts.head, 0);
  EXPECT_EQ(counts.without_embeddings, 7'104'000);
  EXPECT_EQ(counts.linear + counts.vectors, counts.without_embeddings);
}

// The five sizes of TinyLLM (GPT-2 at 1,024 positions and 50,257 tokens), as published.
TEST(ModelCounts, TinyLlmSizes) {
  EXPECT_EQ(CountParameters(Gpt2(6, 384), 50257).total, 30'339'456);
  EXPECT_EQ(CountParameters(Gpt2(8, 512), 50257).total, 51'475'968);
  EXPECT_EQ(CountParameters(Gpt2(10, 640), 50257).total, 82'056'320);
  EXPECT_EQ(CountParameters(Gpt2(11, 704), 50257).total, 101'625'216);
  EXPECT_EQ(CountParameters(Gpt2(12, 768), 50257).total, 124'439'808);
  EXPECT_EQ(CountParameters(Gpt2(12, 768), 50304).total, 124'475'904);
}

TEST(ModelCounts, UntiedHeadAndNoBias) {
  v1::ModelSpec model = Gpt2(12, 768);
  model.set_tied_head(false);
  EXPECT_EQ(CountParameters(model, 50257).total, 124'439'808 + 50257 * 768);
  model.set_tied_head(true);
  model.set_bias(false);
  // 12 blocks of 3 + 1 + 4 + 1 widths of linear biases and 2 norm biases, and the final norm's.
  EXPECT_EQ(CountParameters(model, 50257).total, 124'439'808 - (12 * 11 + 1) * 768);
}

TEST(ModelCounts, FlopsPerToken) {
  const TokenFlops guppy = FlopsPerToken(Guppy(), 4096, 128);
  EXPECT_DOUBLE_EQ(guppy.linear, 42'467'328);
  EXPECT_DOUBLE_EQ(guppy.head, 9'437'184);
  EXPECT_DOUBLE_EQ(guppy.attention, 1'769'472);
  EXPECT_DOUBLE_EQ(guppy.training, 53'673'984);
  EXPECT_DOUBLE_EQ(guppy.forward * 3, guppy.training);
  // Context is cut at the positions; half the context is half the attention.
  EXPECT_DOUBLE_EQ(FlopsPerToken(Guppy(), 4096, 1000).training, guppy.training);
  EXPECT_DOUBLE_EQ(FlopsPerToken(Guppy(), 4096, 64).attention, guppy.attention / 2);
  const TokenFlops gpt2 = FlopsPerToken(Gpt2(12, 768), 50257, 256);
  EXPECT_NEAR(gpt2.training / 1e6, 755.3, 0.1);
}

TEST(ModelCounts, Memory) {
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

TEST(ModelCounts, Work) {
  v1::RunSpec spec;
  *spec.mutable_model() = Guppy();
  spec.mutable_train()->set_steps(1000);
  spec.mutable_evaluate()->set_every(250);
  spec.mutable_evaluate()->set_max_examples(100);
  const TrainingWork work = CountTrainingWork(spec, 4096, 40, 3000);
  EXPECT_DOUBLE_EQ(work.tokens, 1000.0 * 32 * 40);
  EXPECT_DOUBLE_EQ(work.flops, work.tokens * FlopsPerToken(Guppy(), 4096, 40).training);
  // The beginning and steps 250, 500 and 750 see 100 examples, the last step all 3,000.
  EXPECT_DOUBLE_EQ(work.evaluate_flops, 3400.0 * 40 * FlopsPerToken(Guppy(), 4096, 40).forward);
}

}  // namespace
}  // namespace shoal::spec
