// Every compute backend against the reference, operation by operation, while it trains each family,
// task and optimizer.
#include "core/base/strings.h"
#include "core/data/conversation.h"
#include "tests/unit/worker_engine/engine_fixture.h"

namespace shoal::engine {
namespace {

class FamiliesCheckTest : public EngineTest {
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
    data::TokenizeOptions options;
    options.max_seq = 16;
    options.whole = true;
    options.classes = data::ClassesOf(examples);
    ASSERT_OK(data::Tokenize(examples, ByteTokenizer(), options, files_, Path("labelled")));
    ASSERT_OK_AND_ASSIGN(data::Shard shard, data::Shard::Open(Path("labelled")));
    labelled_ = std::move(shard);
  }

  // The family, trained for some steps through the check of every backend, in f32 and bf16.
  void ExpectPasses(const TrainerOptions& options, const data::Shard& shard) {
    for (const v1::BackendInfo& backend : ProbeBackends()) {
      if (!backend.available() || backend.name() == "mock") continue;
      for (const char* dtype : {"f32", "bf16"}) {
        if (dtype == std::string_view("bf16") && !backend.supports_bf16()) continue;
        SCOPED_TRACE(backend.name() + " " + dtype);
        ASSERT_OK_AND_ASSIGN(auto device, Device::Open({.backend = "check:" + backend.name()}));
        const Dtype act = dtype == std::string_view("bf16") ? Dtype::kBf16 : Dtype::kF32;
        TrainerOptions checked = options;
        checked.train.set_dtype(dtype);
        checked.numerics.set_dtype(dtype);
        for (const std::string& folder : teachers_) {
          ASSERT_OK_AND_ASSIGN(LoadedModel teacher, LoadModel(*device, folder, act));
          checked.teachers.push_back(std::move(teacher));
        }
        ASSERT_OK_AND_ASSIGN(auto trainer, Trainer::Create(*device, checked, shard, shard));
        for (int i = 0; i < 3; ++i) {
          const absl::Status step = trainer->Step().status();
          ASSERT_TRUE(step.ok()) << step;
        }
        EXPECT_OK(trainer->Evaluate(0));
      }
    }
  }

  static TrainerOptions Llama() {
    TrainerOptions options = TinyOptions(3);
    options.model.set_norm("rmsnorm");
    options.model.set_position("rope");
    options.model.set_feed_forward("glu");
    options.model.set_activation("silu");
    options.model.set_bias(false);
    options.model.set_n_kv_heads(1);
    return options;
  }
  static TrainerOptions Bert(const std::string& head) {
    TrainerOptions options = TinyOptions(3);
    options.model.set_kind("encoder");
    options.model.set_head(head);
    options.model.set_norm_placement("post");
    options.model.set_embedding_norm(true);
    options.model.set_segments(2);
    options.model.set_activation("gelu_erf");
    options.model.mutable_dropout()->set_embedding(0.1);
    options.model.mutable_dropout()->set_attention_output(0.1);
    options.mask_token = 2;
    return options;
  }

  std::optional<data::Shard> labelled_;
  std::vector<std::string> teachers_;  // folders of their weights
};

TEST_F(FamiliesCheckTest, LlamaWithMuonAndAverages) {
  ExpectPasses(Llama(), *train_);
  TrainerOptions options = Llama();
  options.train.mutable_optimizer()->set_kind("muon");
  options.train.set_ema_decay(0.9);
  options.train.set_label_smoothing(0.1);
  ExpectPasses(options, *train_);
}

TEST_F(FamiliesCheckTest, CohereWithInterleavedRotationAndSlidingAttention) {
  TrainerOptions options = TinyOptions(3);
  options.model.set_n_layers(4);
  options.model.set_block("parallel");
  options.model.set_bias(false);
  options.model.set_position("rope");
  options.model.mutable_rope()->set_layout("interleaved");
  options.model.mutable_rope()->set_skip_every(4);
  options.model.mutable_sliding()->set_window(5);
  options.model.mutable_sliding()->set_full_every(4);
  options.model.set_logit_scale(0.25);
  ExpectPasses(options, *train_);
}

TEST_F(FamiliesCheckTest, BertOnMaskedTokensAndOnLabels) {
  ExpectPasses(Bert("mlm"), *labelled_);
  for (const char* pooler : {"cls", "mean"}) {
    TrainerOptions options = Bert("classifier");
    options.model.set_pooler(pooler);
    options.train.set_label_smoothing(0.1);
    ExpectPasses(options, *labelled_);
  }
}

TEST_F(FamiliesCheckTest, AStudentOfTwoTeachers) {
  for (uint64_t seed : {1, 2}) {
    TrainerOptions options = TinyOptions(1);
    options.seed = seed;
    options.request_digest = std::string(64, 'a');
    std::unique_ptr<Trainer> teacher = MakeTrainer(options);
    ASSERT_OK(teacher->Step());
    teachers_.push_back(Path(StrCat("teacher", seed)));
    ASSERT_OK(teacher->Save(files_, v1::CHECKPOINT_KIND_WEIGHTS, teachers_.back()));
  }
  for (const char* combine : {"probabilities", "logits"}) {
    TrainerOptions options = TinyOptions(3);
    auto* distill = options.train.mutable_distill();
    distill->add_teachers("a");
    distill->add_teachers("b");
    distill->set_temperature(2);
    distill->set_combine(combine);
    ExpectPasses(options, *train_);
  }
}

}  // namespace
}  // namespace shoal::engine
