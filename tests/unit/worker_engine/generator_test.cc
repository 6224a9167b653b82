#include "worker/engine/generate/generator.h"

#include <cmath>

#include "core/base/clock.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/worker_engine/engine_fixture.h"

namespace shoal::engine {
namespace {

using testing::HasSubstr;

class GeneratorTest : public EngineTest {
 protected:
  // A generator over weights that are far from uniform.
  std::unique_ptr<Generator> MakeGenerator(const v1::ModelSpec& spec, Dtype act = Dtype::kF32) {
    auto weights =
        Weights::Create(*device_, ParameterLayout(Transformer(spec, 262).Parameters()), act);
    EXPECT_OK(weights);
    EXPECT_OK((*weights)->Initialize(3));
    weights_ = *std::move(weights);
    auto generator = Generator::Create(*device_, spec, weights_, ByteTokenizer(), clock_);
    EXPECT_OK(generator);
    return generator.ok() ? *std::move(generator) : nullptr;
  }
  static v1::ModelSpec LivelyModel() {
    v1::ModelSpec model = TinyModel();
    model.set_init_std(0.3);
    return model;
  }
  static v1::GenerateRequest Ask(const std::string& text, int32_t max_tokens) {
    v1::GenerateRequest request;
    request.set_text(text);
    request.mutable_sampling()->set_max_tokens(max_tokens);
    return request;
  }
  // Runs a request and collects its text.
  v1::GenerateDone Run(Generator& generator, const v1::GenerateRequest& request) {
    text_.clear();
    ids_.clear();
    const auto done = generator.Generate(request, [&](const v1::GenerateText& piece) {
      text_ += piece.text();
      ids_.insert(ids_.end(), piece.token_ids().begin(), piece.token_ids().end());
      return true;
    });
    EXPECT_OK(done);
    return done.ok() ? *done : v1::GenerateDone();
  }

  // Logits through the cache are those without it, whatever the model's form.
  void ExpectCacheChangesNothing(const v1::ModelSpec& model, const std::vector<int32_t>& tokens);

  FakeClock clock_;
  std::shared_ptr<Weights> weights_;
  std::string text_;
  std::vector<int32_t> ids_;
};

// Every form that a decoder can have.
std::vector<v1::ModelSpec> DecoderForms(const v1::ModelSpec& gpt2) {
  v1::ModelSpec llama = gpt2;
  llama.set_norm("rmsnorm");
  llama.set_bias(false);
  llama.set_feed_forward("glu");
  llama.set_activation("silu");
  llama.set_position("rope");
  llama.set_n_kv_heads(1);
  llama.mutable_rope()->set_skip_every(2);
  v1::ModelSpec cohere = llama;
  cohere.set_norm("layernorm");
  cohere.set_block("parallel");
  cohere.set_n_kv_heads(0);
  cohere.set_head_dim(6);
  cohere.mutable_rope()->set_layout("interleaved");
  cohere.mutable_sliding()->set_window(3);
  cohere.mutable_sliding()->set_full_every(2);
  cohere.set_logit_scale(0.5);
  v1::ModelSpec post = gpt2;
  post.set_norm_placement("post");
  post.set_embedding_norm(true);
  post.set_segments(2);
  post.set_position("none");
  return {gpt2, llama, cohere, post};
}

TEST_F(GeneratorTest, CachedLogitsEqualUncachedOnes) {
  const std::vector<int32_t> tokens = {1, 100, 103, 50, 77, 100, 2, 9, 200, 31, 5, 6};
  int form = 0;
  for (const v1::ModelSpec& model : DecoderForms(LivelyModel())) {
    SCOPED_TRACE(StrCat("form ", form++));
    ExpectCacheChangesNothing(model, tokens);
  }
}

TEST_F(GeneratorTest, FeedsTokensOfACallersOwnSampler) {
  std::unique_ptr<Generator> generator = MakeGenerator(LivelyModel());
  const std::vector<int32_t> tokens = {1, 100, 103};
  ASSERT_OK_AND_ASSIGN(const std::vector<float> all, generator->Logits(tokens));
  for (int again = 0; again < 2; ++again) {
    generator->Forget();
    ASSERT_OK(generator->Feed(std::span(tokens).first(2)));
    ASSERT_OK_AND_ASSIGN(const std::span<const float> last, generator->Feed({&tokens[2], 1}));
    for (size_t i = 0; i < 262; ++i) ASSERT_NEAR(last[i], all[2 * 262 + i], 1e-4);
  }
  const std::vector<int32_t> many(14, 5);
  EXPECT_THAT(generator->Feed(many), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(GeneratorTest, RefusesAModelThatDoesNotGenerate) {
  v1::ModelSpec model = TinyModel();
  model.set_kind("encoder");
  model.set_head("mlm");
  ASSERT_OK_AND_ASSIGN(
      const std::shared_ptr<Weights> weights,
      Weights::Create(*device_, ParameterLayout(Transformer(model, 262).Parameters()),
                      Dtype::kF32));
  EXPECT_THAT(Generator::Create(*device_, model, weights, ByteTokenizer(), clock_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("mlm")));
}

void GeneratorTest::ExpectCacheChangesNothing(const v1::ModelSpec& model,
                                              const std::vector<int32_t>& tokens) {
  for (Dtype act : {Dtype::kF32, Dtype::kBf16}) {
    std::unique_ptr<Generator> generator = MakeGenerator(model, act);
    ASSERT_OK_AND_ASSIGN(const std::vector<float> all, generator->Logits(tokens));
    ASSERT_EQ(all.size(), tokens.size() * 262);
    for (int64_t prefill : {1, 5, 12}) {
      ASSERT_OK_AND_ASSIGN(const std::vector<float> cached,
                           generator->CachedLogits(tokens, prefill));
      const size_t first = static_cast<size_t>(prefill - 1) * 262;
      ASSERT_EQ(cached.size(), all.size() - first);
      const double tolerance = act == Dtype::kF32 ? 1e-5 : 2e-2;
      for (size_t i = 0; i < cached.size(); ++i) {
        ASSERT_NEAR(cached[i], all[first + i], tolerance * (1 + std::fabs(all[first + i])))
            << "prefill " << prefill << " element " << i;
      }
    }
  }
}

TEST_F(GeneratorTest, GreedyFollowsTheLikeliestToken) {
  std::unique_ptr<Generator> generator = MakeGenerator(LivelyModel());
  const v1::GenerateDone done = Run(*generator, Ask("ab", 6));
  std::vector<int32_t> context = {3 + 'a', 3 + 'b'};
  for (int32_t token : ids_) {
    ASSERT_OK_AND_ASSIGN(const std::vector<float> logits, generator->Logits(context));
    const auto row = logits.end() - 262;
    EXPECT_EQ(token, std::max_element(row, row + 259) - row);  // rows past the tokenizer never
    context.push_back(token);
  }
  EXPECT_EQ(done.prompt_tokens(), 2);
  EXPECT_GE(done.generated_tokens(), static_cast<int32_t>(ids_.size()));
}

TEST_F(GeneratorTest, TheSameSeedIsTheSameText) {
  std::unique_ptr<Generator> generator = MakeGenerator(LivelyModel());
  v1::GenerateRequest request = Ask("abc", 10);
  request.mutable_sampling()->set_temperature(1.5);
  request.mutable_sampling()->set_seed(4);
  Run(*generator, request);
  const std::vector<int32_t> first = ids_;
  Run(*generator, Ask("something", 3));
  Run(*generator, request);
  EXPECT_EQ(ids_, first);
  request.mutable_sampling()->set_seed(5);
  Run(*generator, request);
  EXPECT_NE(ids_, first);
}

TEST_F(GeneratorTest, EndsForEachReason) {
  std::unique_ptr<Generator> generator = MakeGenerator(LivelyModel());
  v1::GenerateRequest request = Ask("ab", 3);
  request.mutable_sampling()->set_temperature(1);
  for (uint64_t seed = 0; seed < 20; ++seed) {  // until no special token is drawn by chance
    request.mutable_sampling()->set_seed(seed);
    if (Run(*generator, request).finish_reason() == "length") break;
  }
  EXPECT_EQ(Run(*generator, request).finish_reason(), "length");
  EXPECT_EQ(Run(*generator, request).generated_tokens(), 3);

  int pieces = 0;
  ASSERT_OK_AND_ASSIGN(const v1::GenerateDone cancelled,
                       generator->Generate(request, [&](const auto&) { return ++pieces < 1; }));
  EXPECT_EQ(cancelled.finish_reason(), "cancelled");
  EXPECT_EQ(pieces, 1);
}

// The model is made to say one token whatever the context: the final norm's bias points at it.
TEST_F(GeneratorTest, StopsAtStopStringsSpecialTokensAndTheEndOfContext) {
  std::unique_ptr<Generator> generator = MakeGenerator(LivelyModel());
  auto always_say = [&](int32_t token) {
    std::vector<float> table(262 * 16, 0.0F);
    table[static_cast<size_t>(token) * 16] = 1;
    ASSERT_OK(weights_->Set("tok_emb", table));
    ASSERT_OK(weights_->Set("norm.weight", std::vector<float>(16, 0.0F)));
    std::vector<float> bias(16, 0.0F);
    bias[0] = 10;
    ASSERT_OK(weights_->Set("norm.bias", bias));
  };
  always_say(3 + 'x');
  v1::GenerateRequest request = Ask("abcd", 100);
  const v1::GenerateDone context = Run(*generator, request);
  EXPECT_EQ(context.finish_reason(), "context");
  EXPECT_EQ(text_, std::string(13, 'x'));  // 16 positions, and one token beyond the last
  request.mutable_sampling()->add_stop("xxx");
  EXPECT_EQ(Run(*generator, request).finish_reason(), "stop");
  EXPECT_EQ(text_, "");
  request.mutable_sampling()->clear_stop();
  request.mutable_sampling()->set_max_tokens(2);
  request.mutable_sampling()->add_stop("xxx");
  EXPECT_EQ(Run(*generator, request).finish_reason(), "length");
  EXPECT_EQ(text_, "xx");  // held back until it was decided

  always_say(2);  // <|im_end|>
  const v1::GenerateDone stopped = Run(*generator, Ask("abcd", 100));
  EXPECT_EQ(stopped.finish_reason(), "stop");
  EXPECT_EQ(stopped.generated_tokens(), 1);
  EXPECT_EQ(text_, "");

  always_say(3 + 0xE2);  // the first byte of a character that never completes
  Run(*generator, Ask("a", 1));
  EXPECT_EQ(text_, "\xEF\xBF\xBD");
}

TEST_F(GeneratorTest, DropsTheOldestTokensOfALongPrompt) {
  std::unique_ptr<Generator> generator = MakeGenerator(LivelyModel());
  const v1::GenerateDone done = Run(*generator, Ask("abcdefghijklmnopqrst", 100));
  EXPECT_EQ(done.context_tokens_dropped(), 8);  // a quarter of 16 positions is kept free
  EXPECT_EQ(done.prompt_tokens(), 12);
  const std::vector<int32_t> long_answer = ids_;
  Run(*generator, Ask("ijklmnopqrst", 100));
  EXPECT_EQ(ids_, long_answer);
  EXPECT_EQ(Run(*generator, Ask("abcdefghijklmnopqrst", 1)).prompt_tokens(), 15);
}

TEST_F(GeneratorTest, ReadsConversationsAndRefusesNonsense) {
  std::unique_ptr<Generator> generator = MakeGenerator(LivelyModel());
  v1::GenerateRequest request;
  auto* message = request.mutable_conversation()->add_messages();
  message->set_role("user");
  message->set_content("hi");
  request.mutable_sampling()->set_max_tokens(1);
  EXPECT_EQ(Run(*generator, request).prompt_tokens(), 15);
  message->set_role("wizard");
  EXPECT_THAT(generator->Generate(request, nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("wizard")));
  EXPECT_THAT(generator->Generate(Ask("", 3), nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no token")));
  EXPECT_THAT(generator->Generate(Ask("a", -3), nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("max_tokens")));
  EXPECT_THAT(generator->Logits(std::vector<int32_t>{5, 262}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("262")));
  EXPECT_THAT(generator->Logits({}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(generator->Generate(Ask("a", 2), nullptr));
}

TEST_F(GeneratorTest, LoadsWhatATrainerSaved) {
  std::unique_ptr<Trainer> trainer = MakeTrainer(TinyOptions(4));
  for (int i = 0; i < 4; ++i) ASSERT_OK(trainer->Step());
  ASSERT_OK(trainer->Save(files_, v1::CHECKPOINT_KIND_WEIGHTS, Path("weights")));
  ASSERT_OK_AND_ASSIGN(const LoadedModel model, LoadModel(*device_, Path("weights"), Dtype::kF32));
  EXPECT_EQ(model.step, 4);
  EXPECT_EQ(model.vocab_size, 259);
  EXPECT_EQ(model.spec.d_ff(), 24);
  EXPECT_EQ(*model.weights->Get("tok_emb"), *trainer->weights()->Get("tok_emb"));
  ASSERT_OK_AND_ASSIGN(
      auto loaded, Generator::Create(*device_, model.spec, model.weights, ByteTokenizer(), clock_));
  ASSERT_OK_AND_ASSIGN(auto live, Generator::Create(*device_, TinyModel(), trainer->weights(),
                                                    ByteTokenizer(), clock_));
  const std::vector<int32_t> tokens = {100, 101, 102};
  EXPECT_EQ(*loaded->Logits(tokens), *live->Logits(tokens));
  EXPECT_THAT(LoadModel(*device_, Path("none"), Dtype::kF32),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace shoal::engine
