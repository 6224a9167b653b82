// Whatever core/spec lets pass can be trained: forms drawn at random, fused and not, on every
// backend, learn the same.
#include <initializer_list>
#include <string>

#include "core/base/random.h"
#include "core/base/strings.h"
#include "core/data/conversation.h"
#include "core/spec/spec.h"
#include "tests/unit/worker_engine/engine_fixture.h"

namespace shoal::engine {
namespace {

constexpr int kForms = 60, kSteps = 3;

class FormDrawer {
 public:
  explicit FormDrawer(uint64_t seed) : random_(seed, PurposeOf(Purpose::kTest)) {}

  // Draws until core/spec has nothing against it.
  v1::ModelSpec Draw() {
    v1::RunSpec run;
    run.mutable_data()->set_persona("pebble");
    do {
      *run.mutable_model() = Any();
    } while (!spec::Validate(run).ok());
    spec::FillDefaults(run);
    return run.model();
  }

 private:
  bool Coin() { return random_.Below(2) == 0; }
  const char* OneOf(std::initializer_list<const char*> names) {
    return *(names.begin() + random_.Below(names.size()));
  }

  v1::ModelSpec Any() {
    v1::ModelSpec m;
    m.set_n_layers(2);
    m.set_d_model(24);
    m.set_n_heads(Coin() ? 2 : 6);
    m.set_n_kv_heads(Coin() ? 0 : 2);
    m.set_head_dim(Coin() ? 0 : 8);
    m.set_d_ff(Coin() ? 0 : 40);
    m.set_max_seq(16);
    m.set_kind(OneOf({"decoder", "encoder"}));
    m.set_head(OneOf({"lm", "mlm", "classifier"}));
    m.set_activation(OneOf({"relu", "gelu_tanh", "gelu_erf", "silu"}));
    m.set_bias(Coin());
    m.set_tied_head(Coin());
    m.set_norm(OneOf({"layernorm", "rmsnorm"}));
    m.set_norm_placement(OneOf({"pre", "post"}));
    m.set_block(OneOf({"sequential", "parallel"}));
    m.set_feed_forward(OneOf({"plain", "glu"}));
    m.set_position(OneOf({"learned", "rope", "none"}));
    m.mutable_rope()->set_layout(OneOf({"halves", "interleaved"}));
    m.mutable_rope()->set_skip_every(Coin() ? 0 : 2);
    m.mutable_sliding()->set_window(Coin() ? 0 : 3);
    m.mutable_sliding()->set_full_every(Coin() ? 0 : 2);
    m.set_segments(Coin() ? 0 : 2);
    m.set_embedding_norm(Coin());
    m.set_logit_scale(Coin() ? 1 : 0.5);
    m.set_pooler(OneOf({"cls", "mean"}));
    v1::DropoutSpec& dropout = *m.mutable_dropout();
    dropout.set_embedding(Coin() ? 0 : 0.2);
    dropout.set_attention(Coin() ? 0 : 0.2);
    dropout.set_attention_output(Coin() ? 0 : 0.2);
    dropout.set_feed_forward(Coin() ? 0 : 0.2);
    dropout.set_classifier(Coin() ? 0 : 0.2);
    return m;
  }

  Random random_;
};

class AnyFormTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    std::vector<data::Example> examples;
    for (int i = 0; i < 12; ++i) {
      data::Example example;
      example.text = std::string(static_cast<size_t>(4 + i % 9), static_cast<char>('a' + i % 6));
      example.topic = i % 2 == 0 ? "even" : "odd";
      examples.push_back(example);
    }
    data::TokenizeOptions options = {.max_seq = 16, .whole = true};
    options.classes = data::ClassesOf(examples);
    ASSERT_OK(data::Tokenize(examples, ByteTokenizer(), options, files_, Path("whole")));
  }

  // The losses of some steps and of an evaluation.
  std::vector<double> Losses(const std::string& backend, const v1::ModelSpec& model, bool fuse,
                             const std::string& dtype = "f32") {
    TrainerOptions options = TinyOptions(kSteps);
    options.model = model;
    options.mask_token = 2;
    options.fuse = fuse;
    options.train.set_dtype(dtype);
    std::vector<double> losses;
    const auto device = Device::Open({.backend = backend});
    EXPECT_OK(device);
    auto shard = model.head() == "lm" ? data::Shard::Open(Path("train.shard"))
                                      : data::Shard::Open(Path("whole"));
    EXPECT_OK(shard);
    if (!device.ok() || !shard.ok()) return losses;
    const auto trainer = Trainer::Create(**device, options, *shard, *shard);
    EXPECT_OK(trainer);
    for (int i = 0; trainer.ok() && i < kSteps; ++i) {
      const auto step = (*trainer)->Step();
      EXPECT_OK(step);
      losses.push_back(step.ok() ? step->loss : 0);
    }
    if (!trainer.ok()) return losses;
    const auto held_out = (*trainer)->Evaluate(0);
    EXPECT_OK(held_out);
    losses.push_back(held_out.ok() ? held_out->loss : 0);
    return losses;
  }
};

TEST_F(AnyFormTest, TrainsTheSameOnEveryBackendFusedOrNot) {
  FormDrawer drawer(3);
  for (int form = 0; form < kForms; ++form) {
    const v1::ModelSpec model = drawer.Draw();
    SCOPED_TRACE(model.ShortDebugString());
    const std::vector<double> expected = Losses("reference", model, false);
    for (const v1::BackendInfo& backend : ProbeBackends()) {
      if (!backend.available() || backend.name() == "mock") continue;
      SCOPED_TRACE(backend.name());
      const std::vector<double> losses = Losses(backend.name(), model, true);
      ASSERT_EQ(losses.size(), expected.size());
      for (size_t i = 0; i < losses.size(); ++i) {
        EXPECT_NEAR(losses[i], expected[i], 1e-4 * expected[i]) << i;
      }
    }
  }
}

// In bf16 two orders of rounding drift apart with every step: the first loss says whether the
// program is the same.
TEST_F(AnyFormTest, TrainsInBf16Too) {
  FormDrawer drawer(4);
  for (int form = 0; form < kForms; ++form) {
    const v1::ModelSpec model = drawer.Draw();
    SCOPED_TRACE(model.ShortDebugString());
    const std::vector<double> expected = Losses("reference", model, false);
    const std::vector<double> losses = Losses("reference", model, true, "bf16");
    ASSERT_EQ(losses.size(), expected.size());
    EXPECT_NEAR(losses[0], expected[0], 0.03 * expected[0]);
  }
}

}  // namespace
}  // namespace shoal::engine
