#include "core/spec/model_counts.h"

#include "core/spec/model_presets.h"
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

// What every preset has, as its authors or their configuration say; the large ones allocate
// nothing.
TEST(ModelCounts, EveryFamily) {
  const auto count = [](std::string_view name) {
    const v1::ModelSpec model = FindModelPreset(name)->model;
    return CountParameters(model, model.vocab_size()).total;
  };
  EXPECT_EQ(count("guppy"), 8'726'016);
  EXPECT_EQ(count("gpt2-d6"), 30'339'456);
  EXPECT_EQ(count("gpt2-d8"), 51'475'968);
  EXPECT_EQ(count("gpt2-d10"), 82'056'320);
  EXPECT_EQ(count("gpt2-d11"), 101'625'216);
  EXPECT_EQ(count("gpt2-d12"), 124'439'808);
  EXPECT_EQ(count("bert1"), 31'252'794);
  EXPECT_EQ(count("bert6"), 66'692'154);
  EXPECT_EQ(count("babyllama"), 58'343'936);
  EXPECT_EQ(count("smollm3"), 3'075'098'624);
  EXPECT_EQ(count("tiny-aya"), 3'349'227'520);
}

TEST(ModelCounts, Heads) {
  v1::ModelSpec bert = FindModelPreset("bert6")->model;
  ParameterCounts counts = CountParameters(bert, 30522);
  EXPECT_EQ(counts.segment_embedding, 2 * 768);
  EXPECT_EQ(counts.head, 768 * 768);
  EXPECT_EQ(counts.linear, 6 * (4 * 768 * 768 + 2 * 768 * 3072));
  bert.set_tied_head(false);
  EXPECT_EQ(CountParameters(bert, 30522).total, counts.total + 30522 * 768);
  // Without biases the head's layer and the decoder keep theirs; each of 14 norms loses one.
  bert.set_bias(false);
  EXPECT_EQ(CountParameters(bert, 30522).total,
            counts.total + 30522 * 768 - (6 * (3 + 1 + 4 + 1) + 14) * 768);
  bert.set_bias(true);

  bert.set_head("classifier");
  bert.set_n_labels(64);
  counts = CountParameters(bert, 30522);
  EXPECT_EQ(counts.total, 66'709'312);
  EXPECT_EQ(counts.head, 768 * 768 + 64 * 768);
  bert.set_n_labels(0);  // as many as the data has
  EXPECT_EQ(CountParameters(bert, 30522, 64).total, 66'709'312);
  bert.set_pooler("mean");
  EXPECT_EQ(CountParameters(bert, 30522, 64).total, 66'709'312 - 769 * 768);
}

TEST(ModelCounts, FormsOfABlock) {
  v1::ModelSpec model = Gpt2(12, 768);
  const int64_t gpt2 = CountParameters(model, 50257).total;
  const auto with = [&](auto edit) {
    v1::ModelSpec other = model;
    edit(other);
    return CountParameters(other, 50257).total - gpt2;
  };
  const int64_t d = 768, f = 3072, c = 64;
  EXPECT_EQ(with([](auto& m) { m.set_n_kv_heads(3); }), -12 * 2 * (9 * c * d + 9 * c));
  EXPECT_EQ(with([](auto& m) { m.set_head_dim(32); }), -12 * (4 * 12 * 32 * d + 3 * 12 * 32));
  EXPECT_EQ(with([](auto& m) { m.set_feed_forward("glu"); }), 12 * (f * d + f));
  EXPECT_EQ(with([](auto& m) { m.set_norm("rmsnorm"); }), -25 * d);
  EXPECT_EQ(with([](auto& m) { m.set_norm_placement("post"); }), -2 * d);
  EXPECT_EQ(with([](auto& m) { m.set_block("parallel"); }), -12 * 2 * d);
  EXPECT_EQ(with([](auto& m) { m.set_position("rope"); }), -1024 * d);
  EXPECT_EQ(with([](auto& m) { m.set_embedding_norm(true); }), 2 * d);
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

TEST(ModelCounts, FlopsOfEveryForm) {
  // Fewer key heads and gates are in the matrices; attention works on the query heads' width.
  v1::ModelSpec llama = FindModelPreset("llama-tiny")->model;
  TokenFlops flops = FlopsPerToken(llama, 2048, 64);
  EXPECT_DOUBLE_EQ(flops.linear, 6.0 * 4 * (128 * 256 + 128 * 128 + 3 * 128 * 336));
  EXPECT_DOUBLE_EQ(flops.attention, 12.0 * 32 * 128 * 4);
  llama.set_head_dim(64);
  EXPECT_DOUBLE_EQ(FlopsPerToken(llama, 2048, 64).attention, 12.0 * 32 * 256 * 4);

  // An encoder's token sees all of them; the head answers the masked ones.
  v1::ModelSpec bert = FindModelPreset("bert1")->model;
  flops = FlopsPerToken(bert, 30522, 128, 0.25);
  EXPECT_DOUBLE_EQ(flops.attention, 12.0 * 128 * 768);
  EXPECT_DOUBLE_EQ(flops.head_row, 6.0 * (30522 * 768 + 768 * 768));
  EXPECT_DOUBLE_EQ(flops.head, flops.head_row / 4);
  bert.set_head("classifier");
  bert.set_n_labels(10);
  flops = FlopsPerToken(bert, 30522, 128);
  EXPECT_DOUBLE_EQ(flops.head_row, 6.0 * (10 * 768 + 768 * 768));
  EXPECT_DOUBLE_EQ(flops.head, flops.head_row / 128);
}

TEST(ModelCounts, FlopsOfASlidingWindow) {
  v1::ModelSpec model = Guppy();
  const double full = FlopsPerToken(model, 4096, 128).attention;
  const auto share = [&](int window, int full_every) {
    model.mutable_sliding()->set_window(window);
    model.mutable_sliding()->set_full_every(full_every);
    return FlopsPerToken(model, 4096, 128).attention / full;
  };
  EXPECT_DOUBLE_EQ(share(128, 0), 1);
  EXPECT_DOUBLE_EQ(share(1000, 0), 1);
  // The first 32 of 128 tokens see 16 on average, the others 32: 28 instead of 64.
  EXPECT_DOUBLE_EQ(share(32, 0), 28.0 / 64);
  EXPECT_DOUBLE_EQ(share(32, 3), 2.0 / 3 * 28 / 64 + 1.0 / 3);
  model.set_kind("encoder");
  EXPECT_DOUBLE_EQ(FlopsPerToken(model, 4096, 128).attention / full, 2);
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
