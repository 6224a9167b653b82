#include "cli/analysis/comparison.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/cli_analysis/made_runs.h"

namespace shoal::analysis {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Layers 1, 2 and 4 with seeds 1, 2, 3.
std::vector<v1::RunDetail> Grid() {
  std::vector<v1::RunDetail> runs;
  for (const int layers : {1, 2, 4}) {
    for (const uint64_t seed : {1, 2, 3}) {
      const double noise = 0.01 * static_cast<double>(seed) + (seed == 2 ? 0.003 * layers : 0);
      runs.push_back(MadeRun(layers, seed, 2.0 - 0.1 * layers + noise));
    }
  }
  return runs;
}

TEST(Compare, AveragesOverSeedsAndPairsThem) {
  const auto runs = Grid();
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  EXPECT_EQ(comparison.metric, "held_out/loss");
  ASSERT_EQ(comparison.settings.size(), 3u);
  EXPECT_EQ(comparison.baseline, 0u);
  EXPECT_EQ(comparison.best, 2u);
  EXPECT_FALSE(comparison.settings[0].difference.has_value());
  const SettingResult& second = comparison.settings[1];
  EXPECT_EQ(second.metric.count, 3);
  EXPECT_NEAR(second.metric.mean, 1.8 + 0.02 + 0.002, 1e-12);
  ASSERT_TRUE(second.range.has_value());
  ASSERT_TRUE(second.difference.has_value());
  EXPECT_EQ(second.difference->kind, Difference::Kind::kPaired);
  EXPECT_EQ(second.difference->pairs, 3);
  EXPECT_NEAR(second.difference->mean, -0.1 + 0.001, 1e-12);
  EXPECT_LT(second.difference->interval->high, 0);
  EXPECT_EQ(second.parameters_min, 2000);
  EXPECT_EQ(second.train_flops.mean, 2e9);
  EXPECT_EQ(second.tokens_per_second.mean, 500);
  EXPECT_EQ(second.compute_seconds.mean, 10);
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("paired over the seeds")));
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("baseline: model.n_layers=1, the first")));
}

TEST(Compare, WhatCannotBeCountedIsNamedAndNotAveraged) {
  auto runs = Grid();
  runs[0].mutable_run()->set_status(v1::RUN_STATUS_FAILED);
  runs[0].mutable_run()->set_status_reason("the loss became NaN");
  runs[0].mutable_run()->set_step(40);
  runs[1].mutable_run()->set_status(v1::RUN_STATUS_RUNNING);
  runs[3].mutable_run()->mutable_metrics()->erase("held_out/loss");
  SetMetric(runs[4], "held_out/loss", std::numeric_limits<double>::quiet_NaN());
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  const auto& first = comparison.settings[0];
  EXPECT_EQ(first.metric.count, 1);
  EXPECT_NEAR(first.metric.mean, 1.93, 1e-12);
  EXPECT_FALSE(first.range.has_value());  // of one run: none, not 0
  EXPECT_EQ(first.runs[0].reason, "FAILED at step 40 of 100: the loss became NaN");
  EXPECT_THAT(first.runs[1].reason, HasSubstr("RUNNING"));
  EXPECT_EQ(comparison.settings[1].runs[0].reason, "has no held_out/loss");
  EXPECT_EQ(comparison.settings[1].runs[1].reason, "held_out/loss is not a number");
  EXPECT_EQ(comparison.settings[1].difference->kind, Difference::Kind::kSingle);
}

TEST(Compare, ASettingWithoutAnyValueIsNoBaseline) {
  auto runs = Grid();
  for (size_t i = 0; i < 3; ++i) runs[i].mutable_run()->set_status(v1::RUN_STATUS_FAILED);
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  EXPECT_EQ(comparison.settings[0].metric.count, 0);
  EXPECT_EQ(comparison.baseline, 1u);
  EXPECT_FALSE(comparison.settings[0].difference.has_value());
}

TEST(Compare, OtherSeedsAreUnpaired) {
  auto runs = Grid();
  for (size_t i = 3; i < 6; ++i) runs[i].mutable_spec()->set_seed(10 + i);
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  EXPECT_EQ(comparison.settings[1].difference->kind, Difference::Kind::kUnpaired);
  EXPECT_EQ(comparison.settings[2].difference->kind, Difference::Kind::kPaired);
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("share no seed")));
}

TEST(Compare, TheSameRunTwiceIsOneSample) {
  auto runs = Grid();
  runs.push_back(runs[0]);
  runs.back().mutable_run()->set_name("again");
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  EXPECT_EQ(comparison.settings[0].metric.count, 3);
  EXPECT_THAT(comparison.settings[0].runs.back().reason, HasSubstr("repeats tiny-L1-s1"));
}

TEST(Compare, RunsOfARandomSweepShareSeedsAndNoPartner) {
  auto runs = Grid();
  double lr = 0.001;
  for (v1::RunDetail& run : runs)
    run.mutable_spec()->mutable_train()->mutable_optimizer()->set_lr(lr += 0.0001);
  CompareOptions options;
  options.by = {"model.n_layers"};
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, options));
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("have no two runs alike in all else "
                                                   "(train.optimizer.lr): difference unpaired")));
  EXPECT_THAT(comparison.notes, Not(Contains(HasSubstr("share no seed"))));
}

TEST(Compare, PicksLastMinMaxOrBest) {
  auto runs = Grid();
  v1::MetricSummary& summary = (*runs[0].mutable_run()->mutable_metrics())["held_out/loss"];
  summary.set_min(1);
  summary.set_max(9);
  const auto value = [&](Pick pick) { return *PickedValue(runs[0].run(), "held_out/loss", pick); };
  EXPECT_NEAR(value(Pick::kLast), 1.91, 1e-12);
  EXPECT_EQ(value(Pick::kMin), 1);
  EXPECT_EQ(value(Pick::kMax), 9);
  EXPECT_EQ(value(Pick::kBest), 1);
  SetMetric(runs[0], "held_out/accuracy", 0.5);
  (*runs[0].mutable_run()->mutable_metrics())["held_out/accuracy"].set_max(0.75);
  EXPECT_EQ(*PickedValue(runs[0].run(), "held_out/accuracy", Pick::kBest), 0.75);
}

TEST(Compare, BaselineByConditionTitleOrRun) {
  const auto runs = Grid();
  for (const char* baseline : {"model.n_layers=2", "n_layers=2", "tiny-L2-s3", "run-tiny-L2-s1"}) {
    CompareOptions options;
    options.baseline = baseline;
    ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, options));
    EXPECT_EQ(comparison.baseline, 1u) << baseline;
    EXPECT_NEAR(comparison.settings[0].difference->mean, 0.1 - 0.001, 1e-12);
  }
  CompareOptions options;
  options.baseline = "model.n_layers=3";
  EXPECT_THAT(Compare(runs, options),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("model.n_layers=4")));
}

TEST(Compare, SortsAndKeepsTheFirstAsBaseline) {
  const auto runs = Grid();
  CompareOptions options;
  options.sort = "metric";
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, options));
  EXPECT_EQ(comparison.settings[0].setting.label, "model.n_layers=4");
  EXPECT_EQ(comparison.settings[2].setting.label, "model.n_layers=1");
  EXPECT_EQ(comparison.baseline, 2u);
  EXPECT_EQ(comparison.best, 0u);
}

TEST(Compare, UnknownMetricsAreAnsweredWithTheKnown) {
  const auto runs = Grid();
  CompareOptions options;
  options.metric = "held_out/los";
  EXPECT_THAT(Compare(runs, options),
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("did you mean 'held_out/loss'"),
                                                          HasSubstr("train/tokens"))));
}

TEST(Compare, OtherTokenizersAreComparedInBitsPerByte) {
  auto runs = Grid();
  for (size_t i = 0; i < runs.size(); ++i) {
    SetMetric(runs[i], "held_out/bits_per_byte", 1.5);
    if (i < 3) Rebind(runs[i], v1::BINDING_ROLE_TOKENIZER, 'b');
  }
  ASSERT_OK_AND_ASSIGN(const Comparison chosen, Compare(runs, {}));
  EXPECT_EQ(chosen.metric, "held_out/bits_per_byte");
  EXPECT_THAT(chosen.notes, Contains(HasSubstr("these are bits per byte")));
  CompareOptions options;
  options.metric = "held_out/loss";
  ASSERT_OK_AND_ASSIGN(const Comparison asked, Compare(runs, options));
  EXPECT_THAT(asked.notes, Contains(HasSubstr("tokens are not alike")));
}

TEST(Compare, OtherHeldOutDataIsTold) {
  auto runs = Grid();
  Rebind(runs[0], v1::BINDING_ROLE_HELD_OUT, 'b');
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("held-out data differ")));
}

TEST(Compare, ReusedRunsAreNamed) {
  auto runs = Grid();
  runs[4].mutable_run()->set_reused(true);
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  EXPECT_THAT(comparison.notes, Contains(AllOf(HasSubstr("reused"), HasSubstr("tiny-L2-s2"))));
}

TEST(Compare, OneRunHasNothingToCompareWith) {
  const std::vector<v1::RunDetail> runs = {MadeRun(1, 1, 1.5)};
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, Compare(runs, {}));
  ASSERT_EQ(comparison.settings.size(), 1u);
  EXPECT_FALSE(comparison.baseline.has_value());
  EXPECT_FALSE(comparison.best.has_value());
  EXPECT_FALSE(comparison.settings[0].range.has_value());
}

TEST(TrainFlops, AreTheClientsOrTheRunsOwn) {
  v1::RunDetail run = MadeRun(2, 1, 1);
  EXPECT_EQ(TrainFlops(run.run()), 2e9);
  run.mutable_run()->set_train_flops(0);
  EXPECT_EQ(TrainFlops(run.run()), std::nullopt);
  SetMetric(run, "train/flops", 7e9);
  EXPECT_EQ(TrainFlops(run.run()), 7e9);
  run.mutable_run()->set_status(v1::RUN_STATUS_RUNNING);
  EXPECT_EQ(TrainFlops(run.run()), std::nullopt);  // not all of them yet
}

}  // namespace
}  // namespace shoal::analysis
