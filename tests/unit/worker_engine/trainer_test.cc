#include "worker/engine/train/trainer.h"

#include <bit>
#include <cmath>
#include <limits>

#include "core/spec/model_counts.h"
#include "tests/unit/worker_engine/engine_fixture.h"

namespace shoal::engine {
namespace {

using testing::HasSubstr;

class TrainerTest : public EngineTest {
 protected:
  // Trains to `until` and returns the losses.
  static std::vector<double> Train(Trainer& trainer, int64_t until) {
    std::vector<double> losses;
    while (trainer.step() < until) {
      const absl::StatusOr<StepResult> result = trainer.Step();
      EXPECT_OK(result);
      if (!result.ok()) break;
      losses.push_back(result->loss);
    }
    return losses;
  }

  static void ExpectSameBits(Trainer& a, Trainer& b) {
    for (const Parameter& parameter : a.weights()->layout().parameters()) {
      ASSERT_OK_AND_ASSIGN(const std::vector<float> x, a.weights()->Get(parameter.name));
      ASSERT_OK_AND_ASSIGN(const std::vector<float> y, b.weights()->Get(parameter.name));
      for (size_t i = 0; i < x.size(); ++i) {
        ASSERT_EQ(std::bit_cast<uint32_t>(x[i]), std::bit_cast<uint32_t>(y[i]))
            << parameter.name << "[" << i << "]";
      }
    }
  }

  static void SetDropout(TrainerOptions& options, double rate) {
    auto* dropout = options.model.mutable_dropout();
    dropout->set_embedding(rate);
    dropout->set_attention(rate);
    dropout->set_attention_output(rate);
    dropout->set_feed_forward(rate);
  }
};

TEST_F(TrainerTest, LossStartsNearUniformAndFalls) {
  std::unique_ptr<Trainer> trainer = MakeTrainer(TinyOptions(60));
  const std::vector<double> losses = Train(*trainer, 60);
  ASSERT_EQ(losses.size(), 60u);
  EXPECT_NEAR(losses.front(), std::log(259.0), 0.1);
  EXPECT_LT(losses.back(), 2.2);  // six letters and an end: ln 6 = 1.79
  ASSERT_OK_AND_ASSIGN(const EvaluateResult held_out, trainer->Evaluate(0));
  EXPECT_LT(held_out.loss, 2.4);
  EXPECT_EQ(held_out.examples, 7);
}

TEST_F(TrainerTest, ReportsWhatAStepWas) {
  TrainerOptions options = TinyOptions(10);
  std::unique_ptr<Trainer> trainer = MakeTrainer(options);
  ASSERT_OK_AND_ASSIGN(const StepResult first, trainer->Step());
  EXPECT_EQ(first.step, 0);
  EXPECT_DOUBLE_EQ(first.learning_rate, 0.01 / 3);
  EXPECT_GT(first.gradient_norm, 0);
  EXPECT_EQ(first.rows, first.loss_tokens);
  EXPECT_EQ(trainer->step(), 1);
  EXPECT_EQ(trainer->totals().rows, first.rows);
  EXPECT_EQ(trainer->parameters(), spec::CountParameters(options.model, options.vocab_size).total);
  const double base = spec::FlopsPerToken(options.model, 259, 0).training;
  EXPECT_GT(trainer->totals().flops, base * static_cast<double>(first.rows));
}

TEST_F(TrainerTest, FusedEqualsUnfused) {
  TrainerOptions options = TinyOptions(8);
  SetDropout(options, 0.2);
  for (const char* activation : {"relu", "gelu_tanh", "gelu_erf"}) {
    options.model.set_activation(activation);
    options.fuse = true;
    std::unique_ptr<Trainer> fused = MakeTrainer(options);
    options.fuse = false;
    std::unique_ptr<Trainer> plain = MakeTrainer(options);
    const std::vector<double> a = Train(*fused, 8), b = Train(*plain, 8);
    for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(a[i], b[i], 1e-5 * b[i]) << activation << " " << i;
    ASSERT_OK_AND_ASSIGN(const EvaluateResult x, fused->Evaluate(0));
    ASSERT_OK_AND_ASSIGN(const EvaluateResult y, plain->Evaluate(0));
    EXPECT_NEAR(x.loss, y.loss, 1e-5 * y.loss);
  }
}

TEST_F(TrainerTest, MicroBatchesAccumulateToTheSameStep) {
  TrainerOptions options = TinyOptions(5);
  std::unique_ptr<Trainer> whole = MakeTrainer(options);
  options.train.mutable_batch()->set_micro_tokens(16);  // about one example at a time
  std::unique_ptr<Trainer> parts = MakeTrainer(options);
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK_AND_ASSIGN(const StepResult a, whole->Step());
    ASSERT_OK_AND_ASSIGN(const StepResult b, parts->Step());
    EXPECT_NEAR(a.loss, b.loss, 1e-5 * a.loss);
    EXPECT_NEAR(a.gradient_norm, b.gradient_norm, 1e-4 * a.gradient_norm);
  }
}

TEST_F(TrainerTest, MicroBatchesOfAStepDrawDifferentMasks) {
  TrainerOptions options = TinyOptions(1);
  SetDropout(options, 0.5);
  options.train.mutable_batch()->set_size(24);
  std::unique_ptr<Trainer> whole = MakeTrainer(options);
  options.train.mutable_batch()->set_micro_tokens(16);
  std::unique_ptr<Trainer> parts = MakeTrainer(options);
  ASSERT_OK_AND_ASSIGN(const StepResult a, whole->Step());
  ASSERT_OK_AND_ASSIGN(const StepResult b, parts->Step());
  EXPECT_NE(a.gradient_norm, b.gradient_norm);
}

TEST_F(TrainerTest, ResumedEqualsUninterruptedBitForBit) {
  TrainerOptions options = TinyOptions(23);
  SetDropout(options, 0.3);
  options.request_digest = std::string(64, 'a');
  std::unique_ptr<Trainer> uninterrupted = MakeTrainer(options);
  const std::vector<double> all = Train(*uninterrupted, 23);
  for (int64_t stop : {1, 6, 7, 19}) {  // within, at the end of, and past an epoch of 6 steps
    std::unique_ptr<Trainer> first = MakeTrainer(options);
    Train(*first, stop);
    ASSERT_OK(first->Save(files_, v1::CHECKPOINT_KIND_RESUMABLE, Path("state")));
    std::unique_ptr<Trainer> second = MakeTrainer(options);
    ASSERT_OK(second->Restore(Path("state")));
    EXPECT_EQ(second->step(), stop);
    EXPECT_EQ(second->totals().rows, first->totals().rows);
    EXPECT_EQ(second->totals().flops, first->totals().flops);
    const std::vector<double> rest = Train(*second, 23);
    for (size_t i = 0; i < rest.size(); ++i) {
      EXPECT_EQ(rest[i], all[static_cast<size_t>(stop) + i]) << "resumed at " << stop;
    }
    ExpectSameBits(*uninterrupted, *second);
  }
}

TEST_F(TrainerTest, ALongerRunGoesOnWhereAShorterOneEnded) {
  TrainerOptions options = TinyOptions(20);
  options.train.mutable_schedule()->set_kind("constant");
  options.request_digest = std::string(64, 'a');
  options.tokenizer_digest = std::string(64, 'c');
  TrainerOptions longer = options;
  longer.train.set_steps(30);
  longer.request_digest = std::string(64, 'b');
  std::unique_ptr<Trainer> uninterrupted = MakeTrainer(longer);
  Train(*uninterrupted, 30);
  std::unique_ptr<Trainer> shorter = MakeTrainer(options);
  Train(*shorter, 20);
  ASSERT_OK(shorter->Save(files_, v1::CHECKPOINT_KIND_RESUMABLE, Path("state")));
  ASSERT_OK(shorter->Save(files_, v1::CHECKPOINT_KIND_WEIGHTS, Path("weights")));

  std::unique_ptr<Trainer> rest = MakeTrainer(longer);
  EXPECT_THAT(rest->StartFrom(Path("weights")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("weights only")));
  ASSERT_OK(rest->StartFrom(Path("state")));
  EXPECT_EQ(rest->step(), 20);
  Train(*rest, 30);
  ExpectSameBits(*uninterrupted, *rest);  // a constant learning rate does not know the end

  EXPECT_THAT(MakeTrainer(options)->StartFrom(Path("state")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nothing left to train")));
  longer.tokenizer_digest = std::string(64, 'd');
  EXPECT_THAT(MakeTrainer(longer)->StartFrom(Path("state")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another tokenizer")));
}

TEST_F(TrainerTest, RefusesAnotherRunsCheckpoint) {
  TrainerOptions options = TinyOptions(3);
  options.request_digest = std::string(64, 'a');
  std::unique_ptr<Trainer> trainer = MakeTrainer(options);
  ASSERT_OK(trainer->Save(files_, v1::CHECKPOINT_KIND_RESUMABLE, Path("state")));
  ASSERT_OK(trainer->Save(files_, v1::CHECKPOINT_KIND_WEIGHTS, Path("weights")));
  EXPECT_THAT(trainer->Restore(Path("weights")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("weights only")));
  EXPECT_THAT(trainer->Restore(Path("absent")), StatusIs(absl::StatusCode::kNotFound));

  TrainerOptions other = options;
  other.request_digest = std::string(64, 'b');
  EXPECT_THAT(MakeTrainer(other)->Restore(Path("state")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another request")));
  other = options;
  other.numerics.set_threads(8);
  EXPECT_THAT(MakeTrainer(other)->Restore(Path("state")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("threads")));
  other = options;
  other.model.set_d_ff(40);
  EXPECT_THAT(MakeTrainer(other)->Restore(Path("state")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ffn.up")));
}

TEST_F(TrainerTest, EvaluationIsRepeatableAndCountsItsExamples) {
  TrainerOptions options = TinyOptions(3);
  SetDropout(options, 0.5);
  std::unique_ptr<Trainer> trainer = MakeTrainer(options);
  ASSERT_OK_AND_ASSIGN(const EvaluateResult all, trainer->Evaluate(0));
  ASSERT_OK_AND_ASSIGN(const EvaluateResult again, trainer->Evaluate(100));
  EXPECT_EQ(all.loss, again.loss);
  // Byte tokens: a byte per counted target, so bits per byte follow from nats per token.
  EXPECT_NEAR(all.bits_per_byte, all.loss / std::log(2.0), 1e-9);
  ASSERT_OK_AND_ASSIGN(const EvaluateResult some, trainer->Evaluate(3));
  EXPECT_EQ(some.examples, 3);
  EXPECT_EQ(some.tokens, held_out_->Length(0) + held_out_->Length(1) + held_out_->Length(2) - 3);
}

TEST_F(TrainerTest, ResponseLossCountsFewerTargets) {
  TrainerOptions options = TinyOptions(3);
  options.train.set_loss_on("response");
  EXPECT_THAT(Trainer::Create(*device_, options, *train_, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument));  // plain texts have no responses
}

TEST_F(TrainerTest, SaysWhenTheLossIsNotFinite) {
  std::unique_ptr<Trainer> trainer = MakeTrainer(TinyOptions(3));
  ASSERT_OK_AND_ASSIGN(std::vector<float> norm, trainer->weights()->Get("norm.weight"));
  norm[0] = std::numeric_limits<float>::infinity();
  ASSERT_OK(trainer->weights()->Set("norm.weight", norm));
  const absl::Status status = trainer->Step().status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("step 0")));
  EXPECT_TRUE(IsNotFinite(status));
  EXPECT_FALSE(IsNotFinite(absl::OutOfRangeError("something else")));
  EXPECT_EQ(trainer->step(), 0);
}

TEST_F(TrainerTest, RefusesDataThatDoesNotFitTheModel) {
  TrainerOptions options = TinyOptions(3);
  options.vocab_size = 100;
  EXPECT_THAT(Trainer::Create(*device_, options, *train_, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model.vocab_size")));
  options = TinyOptions(3);
  options.model.set_max_seq(8);
  EXPECT_THAT(Trainer::Create(*device_, options, *train_, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model.max_seq")));
  options = TinyOptions(3);
  options.train.set_dtype("auto");
  EXPECT_THAT(Trainer::Create(*device_, options, *train_, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("auto")));
}

TEST_F(TrainerTest, Bf16FollowsF32) {
  TrainerOptions options = TinyOptions(30);
  std::unique_ptr<Trainer> f32 = MakeTrainer(options);
  options.train.set_dtype("bf16");
  std::unique_ptr<Trainer> bf16 = MakeTrainer(options);
  const std::vector<double> a = Train(*f32, 30), b = Train(*bf16, 30);
  EXPECT_NE(a, b);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 0.05 * a[i]) << i;
}

TEST_F(TrainerTest, ProfileNamesOperations) {
  TrainerOptions options = TinyOptions(3);
  options.profile = true;
  std::unique_ptr<Trainer> trainer = MakeTrainer(options);
  Train(*trainer, 1);
  EXPECT_THAT(trainer->ProfileReport(), HasSubstr("blocks.*.attn.qkv"));
  EXPECT_THAT(trainer->Listing(), HasSubstr("LINEAR_CROSS_ENTROPY"));
}

}  // namespace
}  // namespace shoal::engine
