#include "worker/engine/train/schedule.h"

#include <gtest/gtest.h>

namespace shoal::engine {
namespace {

v1::TrainSpec Spec(const char* kind, int64_t steps, int64_t warmup, double lr, double final_lr) {
  v1::TrainSpec spec;
  spec.set_steps(steps);
  spec.mutable_optimizer()->set_lr(lr);
  spec.mutable_schedule()->set_kind(kind);
  spec.mutable_schedule()->set_warmup_steps(warmup);
  spec.mutable_schedule()->set_final_lr(final_lr);
  return spec;
}

// Values of the GuppyLM recipe: 3e-4 (i + 1) / 200, then the cosine from 3e-4 to 3e-5.
TEST(LearningRateTest, GuppyRecipe) {
  const v1::TrainSpec guppy = Spec("cosine", 10000, 200, 3e-4, 3e-5);
  EXPECT_DOUBLE_EQ(LearningRate(guppy, 0), 1.5e-6);
  EXPECT_DOUBLE_EQ(LearningRate(guppy, 99), 1.5e-4);
  EXPECT_DOUBLE_EQ(LearningRate(guppy, 199), 3e-4);
  EXPECT_DOUBLE_EQ(LearningRate(guppy, 200), 3e-4);
  EXPECT_NEAR(LearningRate(guppy, 5100), 1.65e-4, 1e-12);               // half way
  EXPECT_NEAR(LearningRate(guppy, 2650), 2.604594154601839e-4, 1e-15);  // a quarter: cos(pi/4)
  EXPECT_NEAR(LearningRate(guppy, 9999), 3.0000006936e-5, 1e-14);
}

TEST(LearningRateTest, LinearAndConstant) {
  const v1::TrainSpec linear = Spec("linear", 110, 10, 1.0, 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(linear, 4), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(linear, 10), 1.0);
  EXPECT_DOUBLE_EQ(LearningRate(linear, 60), 0.75);
  EXPECT_DOUBLE_EQ(LearningRate(linear, 109), 0.505);
  const v1::TrainSpec constant = Spec("constant", 100, 2, 0.1, 0);
  EXPECT_DOUBLE_EQ(LearningRate(constant, 0), 0.05);
  EXPECT_DOUBLE_EQ(LearningRate(constant, 99), 0.1);
}

TEST(LearningRateTest, WarmUpStableDecay) {
  v1::TrainSpec wsd = Spec("wsd", 110, 10, 1.0, 0.5);
  wsd.mutable_schedule()->set_decay_fraction(0.25);
  EXPECT_DOUBLE_EQ(LearningRate(wsd, 4), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(wsd, 10), 1.0);
  EXPECT_DOUBLE_EQ(LearningRate(wsd, 85), 1.0);
  EXPECT_DOUBLE_EQ(LearningRate(wsd, 95), 0.8);
  EXPECT_NEAR(LearningRate(wsd, 109), 0.52, 1e-12);
}

TEST(LearningRateTest, WithoutWarmUpAndWithNothingElse) {
  EXPECT_DOUBLE_EQ(LearningRate(Spec("cosine", 10, 0, 0.1, 0), 0), 0.1);
  const v1::TrainSpec all_warmup = Spec("cosine", 5, 10, 0.1, 0);
  EXPECT_DOUBLE_EQ(LearningRate(all_warmup, 4), 0.05);
  EXPECT_DOUBLE_EQ(LearningRate(Spec("cosine", 5, 5, 0.1, 0), 4), 0.1);
}

}  // namespace
}  // namespace shoal::engine
