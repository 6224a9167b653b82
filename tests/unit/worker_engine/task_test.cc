// Training of every task and optimizer: masked tokens, labels, teachers, Muon, averages.
#include <bit>
#include <cmath>

#include "core/data/conversation.h"
#include "tests/unit/worker_engine/engine_fixture.h"
#include "worker/engine/train/masking.h"

namespace shoal::engine {
namespace {

using testing::HasSubstr;

class TaskTest : public EngineTest {
 protected:
  static constexpr int32_t kMask = 2;  // a special token that no text holds

  void SetUp() override {
    EngineTest::SetUp();
    train_ = MakeWholeShard(24, "whole");
    held_out_ = MakeWholeShard(7, "whole held out");
  }

  // Texts of one letter repeated; the letter's parity is the label.
  data::Shard MakeWholeShard(int count, const std::string& name) {
    std::vector<data::Example> examples;
    for (int i = 0; i < count; ++i) {
      data::Example example;
      example.text = std::string(static_cast<size_t>(4 + i % 9), static_cast<char>('a' + i % 6));
      example.topic = i % 2 == 0 ? "even" : "odd";
      examples.push_back(example);
    }
    data::TokenizeOptions options;
    options.max_seq = 16;
    options.whole = true;
    options.classes = data::ClassesOf(examples);
    const auto report = data::Tokenize(examples, ByteTokenizer(), options, files_, Path(name));
    EXPECT_OK(report);
    absl::StatusOr<data::Shard> shard = data::Shard::Open(Path(name));
    EXPECT_OK(shard);
    return *std::move(shard);
  }

  static TrainerOptions Options(const std::string& head, int64_t steps) {
    TrainerOptions options = TinyOptions(steps);
    options.model.set_kind("encoder");
    options.model.set_head(head);
    options.mask_token = kMask;
    options.request_digest = std::string(64, 'a');
    return options;
  }
  static TrainerOptions BertOptions(const std::string& head, int64_t steps) {
    TrainerOptions options = Options(head, steps);
    options.model.set_norm_placement("post");
    options.model.set_embedding_norm(true);
    options.model.set_segments(2);
    options.model.mutable_dropout()->set_embedding(0.1);
    options.model.mutable_dropout()->set_attention_output(0.1);
    return options;
  }

  static double Train(Trainer& trainer, int64_t until) {
    double loss = 0;
    while (trainer.step() < until) {
      const absl::StatusOr<StepResult> result = trainer.Step();
      EXPECT_OK(result);
      if (!result.ok()) break;
      loss = result->loss;
    }
    return loss;
  }

  static void ExpectSameBits(Weights& a, Weights& b) {
    for (const Parameter& parameter : a.layout().parameters()) {
      ASSERT_OK_AND_ASSIGN(const std::vector<float> x, a.Get(parameter.name));
      ASSERT_OK_AND_ASSIGN(const std::vector<float> y, b.Get(parameter.name));
      for (size_t i = 0; i < x.size(); ++i) {
        ASSERT_EQ(std::bit_cast<uint32_t>(x[i]), std::bit_cast<uint32_t>(y[i]))
            << parameter.name << "[" << i << "]";
      }
    }
  }

  // Stopped and resumed at every one of `stops`, the run ends with the bits of the undisturbed one.
  void ExpectResumes(const TrainerOptions& options, int64_t steps) {
    std::unique_ptr<Trainer> whole = MakeTrainer(options);
    Train(*whole, steps);
    for (int64_t stop = 1; stop < steps; stop += 3) {
      std::unique_ptr<Trainer> first = MakeTrainer(options);
      Train(*first, stop);
      ASSERT_OK(first->Save(files_, v1::CHECKPOINT_KIND_RESUMABLE, Path("state")));
      std::unique_ptr<Trainer> second = MakeTrainer(options);
      ASSERT_OK(second->Restore(Path("state")));
      Train(*second, steps);
      ExpectSameBits(*whole->weights(), *second->weights());
    }
  }
};

TEST_F(TaskTest, MaskedTokensAreLearned) {
  std::unique_ptr<Trainer> trainer = MakeTrainer(BertOptions("mlm", 900));
  ASSERT_OK_AND_ASSIGN(const EvaluateResult before, trainer->Evaluate(0));
  EXPECT_NEAR(before.loss, std::log(259.0), 0.5);
  EXPECT_TRUE(std::isnan(before.bits_per_byte));
  EXPECT_TRUE(std::isnan(before.accuracy));
  Train(*trainer, 900);
  ASSERT_OK_AND_ASSIGN(const EvaluateResult after, trainer->Evaluate(0));
  EXPECT_LT(after.loss, 0.5);  // the neighbours say what it is
  EXPECT_EQ(after.tokens, before.tokens);
  EXPECT_GT(after.tokens, 0);
}

TEST_F(TaskTest, LabelsAreLearned) {
  for (const char* pooler : {"cls", "mean"}) {
    for (const char* kind : {"encoder", "decoder"}) {
      TrainerOptions options = Options("classifier", 60);
      options.model.set_pooler(pooler);
      options.model.set_kind(kind);
      std::unique_ptr<Trainer> trainer = MakeTrainer(options);
      EXPECT_THAT(trainer->labels(), testing::ElementsAre("even", "odd"));
      ASSERT_OK_AND_ASSIGN(const EvaluateResult before, trainer->Evaluate(0));
      EXPECT_NEAR(before.loss, std::log(2.0), 0.1);
      Train(*trainer, 60);
      ASSERT_OK_AND_ASSIGN(const EvaluateResult after, trainer->Evaluate(0));
      EXPECT_EQ(after.accuracy, 1.0) << pooler << " " << kind;
      EXPECT_EQ(after.tokens, 7);
    }
  }
}

TEST_F(TaskTest, MoreLabelsThanTheDataHasAreRoomAndFewerARefusal) {
  TrainerOptions options = Options("classifier", 1);
  options.model.set_n_labels(5);
  EXPECT_EQ(MakeTrainer(options)->labels().size(), 5u);
  options.model.set_n_labels(1);
  EXPECT_THAT(Trainer::Create(*device_, options, *train_, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model.n_labels")));
}

TEST_F(TaskTest, ResumesBitForBit) {
  TrainerOptions mlm = BertOptions("mlm", 10);
  ExpectResumes(mlm, 10);
  ExpectResumes(BertOptions("classifier", 10), 10);
  TrainerOptions muon = BertOptions("mlm", 10);
  muon.train.mutable_optimizer()->set_kind("muon");
  muon.train.set_ema_decay(0.9);
  muon.train.mutable_schedule()->set_kind("wsd");
  ExpectResumes(muon, 10);
}

// The decoders' forms; runs that end within an epoch, at its end, and past it.
TEST_F(TaskTest, EveryFormOfADecoderResumesBitForBit) {
  train_ = MakeShard(24, "texts");
  held_out_ = MakeShard(7, "held-out texts");
  TrainerOptions llama = TinyOptions(14);
  llama.request_digest = std::string(64, 'a');
  llama.model.set_norm("rmsnorm");
  llama.model.set_bias(false);
  llama.model.set_feed_forward("glu");
  llama.model.set_activation("silu");
  llama.model.set_position("rope");
  llama.model.set_n_kv_heads(1);
  ExpectResumes(llama, 14);
  TrainerOptions cohere = llama;
  cohere.model.set_norm("layernorm");
  cohere.model.set_block("parallel");
  cohere.model.mutable_sliding()->set_window(4);
  cohere.model.mutable_sliding()->set_full_every(2);
  cohere.model.mutable_rope()->set_skip_every(2);
  cohere.model.set_logit_scale(0.5);
  cohere.train.mutable_optimizer()->set_kind("muon");
  cohere.train.mutable_batch()->set_micro_tokens(16);
  ExpectResumes(cohere, 14);
}

TEST_F(TaskTest, MaskingDependsOnSeedAndKeyAlone) {
  const Masking masking(*train_, kMask, 0.3);
  data::BatcherOptions options;
  options.whole = true;
  options.size = 24;
  ASSERT_OK_AND_ASSIGN(data::Batcher batcher, data::Batcher::Create(*train_, options));
  data::Batch a = batcher.MakeBatch(), b = batcher.MakeBatch();
  std::vector<uint64_t> keys(24);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = i + 1;
  batcher.Fill(0, a);
  const std::vector<int32_t> original = a.tokens;
  masking.Apply(7, keys, a);
  batcher.Fill(0, b);
  masking.Apply(7, keys, b);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.targets, b.targets);
  int64_t targets = 0, masked = 0;
  for (size_t i = 0; i < a.tokens.size(); ++i) {
    if (a.targets[i] < 0) {
      EXPECT_EQ(a.tokens[i], original[i]);
      continue;
    }
    ++targets;
    masked += a.tokens[i] == kMask ? 1 : 0;
    EXPECT_EQ(a.targets[i], original[i]);
  }
  EXPECT_EQ(targets, a.loss_tokens);
  const auto rows = static_cast<double>(a.rows);
  EXPECT_NEAR(static_cast<double>(targets), 0.3 * rows, 4 * std::sqrt(0.21 * rows));
  EXPECT_GT(masked * 10, targets * 6);
  EXPECT_LT(masked, targets);
  batcher.Fill(0, b);
  masking.Apply(8, keys, b);
  EXPECT_NE(a.targets, b.targets);
}

TEST_F(TaskTest, MuonTrainsTheMatricesOfTheBlocksAlone) {
  TrainerOptions options = Options("mlm", 40);
  options.train.mutable_optimizer()->set_kind("muon");
  std::unique_ptr<Trainer> trainer = MakeTrainer(options);
  const ParameterLayout& layout = trainer->weights()->layout();
  EXPECT_TRUE(layout.Find("blocks.0.attn.qkv.weight")->muon);
  EXPECT_FALSE(layout.Find("tok_emb")->muon);
  EXPECT_FALSE(layout.Find("blocks.0.attn.qkv.bias")->muon);
  EXPECT_THAT(trainer->Listing(), HasSubstr("MUON muon.blocks.1.ffn.down"));
  const double loss = Train(*trainer, 40);
  EXPECT_LT(loss, 2.5);
}

TEST_F(TaskTest, AveragesAreWhatIsEvaluatedAndSaved) {
  TrainerOptions options = Options("classifier", 8);
  options.train.set_ema_decay(0.999);  // at first (1 + t) / (10 + t)
  std::unique_ptr<Trainer> trainer = MakeTrainer(options);
  ASSERT_OK_AND_ASSIGN(const std::vector<float> start, trainer->weights()->Get("tok_emb"));
  Train(*trainer, 1);
  TrainerOptions plain = Options("classifier", 8);
  std::unique_ptr<Trainer> live = MakeTrainer(plain);
  Train(*live, 1);
  ASSERT_OK_AND_ASSIGN(const std::vector<float> average, trainer->weights()->Get("tok_emb"));
  ASSERT_OK_AND_ASSIGN(const std::vector<float> now, live->weights()->Get("tok_emb"));
  const double keep = 2.0 / 11.0;
  for (size_t i = 0; i < now.size(); ++i) {
    EXPECT_NEAR(average[i], keep * start[i] + (1 - keep) * now[i], 1e-6);
  }
  ASSERT_OK(trainer->Save(files_, v1::CHECKPOINT_KIND_WEIGHTS, Path("weights")));
  ASSERT_OK_AND_ASSIGN(const LoadedModel saved, LoadModel(*device_, Path("weights"), Dtype::kF32));
  EXPECT_THAT(*saved.weights->Get("tok_emb"), testing::ElementsAreArray(average));
  EXPECT_THAT(saved.labels, testing::ElementsAre("even", "odd"));
}

TEST_F(TaskTest, AStudentLearnsFromTeachersAlone) {
  std::vector<LoadedModel> teachers;
  for (uint64_t seed : {1, 2}) {
    TrainerOptions options = Options("classifier", 60);
    options.seed = seed;
    std::unique_ptr<Trainer> teacher = MakeTrainer(options);
    Train(*teacher, 60);
    ASSERT_OK(teacher->Save(files_, v1::CHECKPOINT_KIND_WEIGHTS, Path("teacher")));
    ASSERT_OK_AND_ASSIGN(LoadedModel loaded, LoadModel(*device_, Path("teacher"), Dtype::kF32));
    teachers.push_back(std::move(loaded));
  }
  for (const char* combine : {"probabilities", "logits"}) {
    TrainerOptions options = Options("classifier", 80);
    options.model.set_n_layers(1);
    auto* distill = options.train.mutable_distill();
    distill->add_teachers("a");
    distill->add_teachers("b");
    distill->set_temperature(2);
    distill->set_weight(1);  // the labels themselves say nothing
    distill->set_combine(combine);
    options.teachers = teachers;
    std::unique_ptr<Trainer> student = MakeTrainer(options);
    Train(*student, 80);
    ASSERT_OK_AND_ASSIGN(const EvaluateResult result, student->Evaluate(0));
    EXPECT_EQ(result.accuracy, 1.0) << combine;
  }
}

TEST_F(TaskTest, TeachersMustSpeakTheStudentsLanguage) {
  std::unique_ptr<Trainer> teacher = MakeTrainer(Options("mlm", 1));
  ASSERT_OK(teacher->Save(files_, v1::CHECKPOINT_KIND_WEIGHTS, Path("teacher")));
  ASSERT_OK_AND_ASSIGN(LoadedModel loaded, LoadModel(*device_, Path("teacher"), Dtype::kF32));
  TrainerOptions options = Options("classifier", 1);
  options.train.mutable_distill()->add_teachers("wise");
  EXPECT_THAT(Trainer::Create(*device_, options, *train_, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("given were 0")));
  options.teachers = {loaded};
  EXPECT_THAT(Trainer::Create(*device_, options, *train_, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("teacher wise")));
}

}  // namespace
}  // namespace shoal::engine
