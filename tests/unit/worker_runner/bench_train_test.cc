#include "worker/runner/bench_train.h"

#include <cmath>

#include "core/base/host_info.h"
#include "core/spec/model_presets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "worker/runner/peak_flops.h"

namespace shoal::runner {
namespace {

using testing::HasSubstr;

v1::BenchTrainOrder SmallOrder() {
  v1::BenchTrainOrder order;
  *order.mutable_model() = spec::FindModelPreset("tiny")->model;
  order.mutable_model()->set_n_layers(1);
  order.mutable_model()->set_vocab_size(300);
  order.set_model_name("tiny");
  order.set_batch(2);
  order.set_seq(8);
  order.set_steps(5);
  order.set_warmup_steps(1);
  order.set_backend("reference");
  order.set_dtype("f32");
  order.set_threads(1);
  return order;
}

TEST(BenchTrain, ReportsWhatItMeasured) {
  ASSERT_OK_AND_ASSIGN(const v1::BenchTrainReport report,
                       RunBenchTrain(SmallOrder(), SystemClock()));
  EXPECT_EQ(report.steps(), 5);
  EXPECT_GT(report.step_ms(), 0);
  EXPECT_LE(report.step_ms_p10(), report.step_ms());
  EXPECT_GE(report.step_ms_p90(), report.step_ms());
  EXPECT_DOUBLE_EQ(report.tokens_per_s(), 16e3 / report.step_ms());
  EXPECT_GT(report.useful_gflops(), 0);
  EXPECT_GT(report.rss_mib(), 0);
  EXPECT_NEAR(report.first_loss(), std::log(300), 0.3);  // random tokens, all alike
  EXPECT_EQ(report.profile(), "");
}

TEST(BenchTrain, ProfilesWhenAsked) {
  v1::BenchTrainOrder order = SmallOrder();
  order.set_profile(true);
  ASSERT_OK_AND_ASSIGN(const v1::BenchTrainReport report, RunBenchTrain(order, SystemClock()));
  EXPECT_THAT(report.profile(), HasSubstr("blocks.*.attn.qkv"));
}

TEST(BenchTrain, AnExampleMustFitIntoTheContext) {
  v1::BenchTrainOrder order = SmallOrder();
  order.set_seq(129);
  EXPECT_THAT(RunBenchTrain(order, SystemClock()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("max_seq")));
}

TEST(PeakFlops, PairsOfBf16CountTwice) {
  const std::string isa = ReadHostInfo().isa;
  if (!IsaHas(isa, "avx2")) GTEST_SKIP() << "no known peak on this processor";
  const double f32 = MeasurePeakFlops("f32", 1);
  EXPECT_GT(f32, 1e9);
  if (!IsaHas(isa, "avx512_bf16")) GTEST_SKIP() << "no bf16 on this processor";
  EXPECT_GT(MeasurePeakFlops("bf16", 1), 1.3 * f32);
}

}  // namespace
}  // namespace shoal::runner
