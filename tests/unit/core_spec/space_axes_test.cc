// What a path of a space may be: lists, ranges, constants, conditions; random trials; repeats.
#include "core/spec/search_space.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kBase = "base: {name: tiny, data: {persona: pebble}}\n";

SpecFile Parse(const std::string& rest) {
  auto file = ParseSpecText(std::string(kBase) + rest, "s.yaml");
  EXPECT_OK(file);
  return file.ok() ? *std::move(file) : SpecFile();
}

std::vector<Trial> Trials(const std::string& rest) {
  const SpecFile file = Parse(rest);
  auto trials = ExpandSweep(file.sweep, &file.positions);
  EXPECT_OK(trials) << rest;
  return trials.ok() ? *std::move(trials) : std::vector<Trial>();
}

std::vector<std::string> Names(const std::string& rest) {
  std::vector<std::string> names;
  for (const Trial& trial : Trials(rest)) names.push_back(trial.name);
  return names;
}

std::string ErrorOf(const std::string& rest) {
  auto file = ParseSpecText(std::string(kBase) + rest, "s.yaml");
  if (!file.ok()) return std::string(file.status().message());
  return std::string(ExpandSweep(file->sweep, &file->positions).status().message());
}

TEST(Axis, AListMayBeWrittenShort) {
  EXPECT_THAT(Names("space: {model.n_layers: [2, 4, 6]}\n"),
              ElementsAre("tiny-L2", "tiny-L4", "tiny-L6"));
  EXPECT_EQ(ErrorOf("space: {model.n_layers: [2, four]}\n"),
            "s.yaml:2:29: space.model.n_layers.values[1]: expected an integer, is 'four'");
}

TEST(Axis, AConstantIsSetAndNotNamed) {
  const std::vector<Trial> trials =
      Trials("space: {model.n_layers: [2, 4], train.steps: 300, model.bias: {values: [false]}}\n");
  ASSERT_EQ(trials.size(), 2u);
  EXPECT_EQ(trials[1].name, "tiny-L4");
  EXPECT_THAT(trials[1].differing, ElementsAre("model.n_layers=4"));
  EXPECT_EQ(trials[1].spec.train().steps(), 300);
  EXPECT_FALSE(trials[1].spec.model().bias());
  EXPECT_THAT(VariedPaths(Parse("space: {model.n_layers: [2, 4], train.steps: 300}\n").sweep),
              ElementsAre("model.n_layers"));
  EXPECT_EQ(ErrorOf("space: {model.n_layers: [2, 4], train.steps: many}\n"),
            "s.yaml:2:46: space.train.steps.values[0]: expected an integer, is 'many'");
}

TEST(Axis, RangesOfAGrid) {
  EXPECT_THAT(Names("space: {model.n_layers: {min: 1, max: 4}}\n"),
              ElementsAre("tiny-L1", "tiny-L2", "tiny-L3", "tiny-L4"));
  EXPECT_THAT(Names("space: {model.d_model: {min: 64, max: 160, step: 32}}\n"),
              ElementsAre("tiny-d64", "tiny-d96", "tiny-d128", "tiny-d160"));
  EXPECT_THAT(Names("space: {model.n_layers: {min: 1, max: 16, scale: log, count: 5}}\n"),
              ElementsAre("tiny-L1", "tiny-L2", "tiny-L4", "tiny-L8", "tiny-L16"));
  EXPECT_THAT(Names("space: {train.optimizer.lr: {min: 1e-4, max: 1e-2, scale: log, count: 5}}\n"),
              ElementsAre("tiny-lr0.0001", "tiny-lr0.0003162", "tiny-lr0.001", "tiny-lr0.003162",
                          "tiny-lr0.01"));
  EXPECT_THAT(Names("space: {train.optimizer.weight_decay: {min: 0, max: 0.3, step: 0.1}}\n"),
              ElementsAre("tiny-weight_decay0", "tiny-weight_decay0.1", "tiny-weight_decay0.2",
                          "tiny-weight_decay0.3"));
  EXPECT_THAT(Names("space: {train.optimizer.beta2: {min: 0.9, max: 0.99, count: 4}}\n"),
              ElementsAre("tiny-beta20.9", "tiny-beta20.93", "tiny-beta20.96", "tiny-beta20.99"));
  EXPECT_THAT(
      Names("space: {seed: {min: 9007199254740989, max: 9007199254740991}}\n"),
      ElementsAre("tiny-s9007199254740989", "tiny-s9007199254740990", "tiny-s9007199254740991"));
}

TEST(Axis, RangesThatCannotBe) {
  EXPECT_EQ(
      ErrorOf("space:\n"
              "  model.n_layers: {min: 4, max: 2}\n"
              "  model.d_model: {min: 1.5, max: 64}\n"
              "  model.n_heads: {min: 0, max: 4}\n"
              "  train.optimizer.lr: {min: 1e-3, max: 1e-2}\n"
              "  train.optimizer.beta1: {min: 0, max: 0.9, scale: log}\n"
              "  train.clip_norm: {min: 1}\n"
              "  model.activation: {min: 1, max: 2}\n"
              "  train.steps: {values: [1, 2], min: 1}\n"
              "  train.log_every: {values: [1, 2], count: 2}\n"
              "  train.batch.size: {min: 1, max: 3, count: 5}\n"
              "  evaluate.every: {min: 1, max: 100, count: 1}\n"
              "  checkpoint.every: {min: 1, max: 100, step: 200}\n"
              "  seed: {min: 1, max: 1000000}\n"),
      "s.yaml:14:3: space.checkpoint.every: step 200 is wider than the range 1..100\n"
      "s.yaml:13:3: space.evaluate.every: count 1 is too few for both ends of 1..100\n"
      "s.yaml:9:3: space.model.activation: is no number; list its `values`\n"
      "s.yaml:4:3: space.model.d_model: expected integers, is 1.5\n"
      "s.yaml:5:3: space.model.n_heads: must be >= 1 and <= 256, is 0\n"
      "s.yaml:3:3: space.model.n_layers: min must be <= max, is 4..2\n"
      "s.yaml:12:3: space.train.batch.size: count 5 gives only 3 different values; make the "
      "range wider or count smaller\n"
      "s.yaml:8:3: space.train.clip_norm: a range needs both `min` and `max`\n"
      "s.yaml:11:3: space.train.log_every: scale, count and step belong to a range; give "
      "`min` and `max`\n"
      "s.yaml:7:3: space.train.optimizer.beta1: scale log needs min > 0, is 0\n"
      "s.yaml:6:3: space.train.optimizer.lr: a grid needs `count`, the number of points of "
      "the range (--vary train.optimizer.lr=0.001..0.01:5); --trials 20 draws values at random\n"
      "s.yaml:10:3: space.train.steps: give either `values` or a range (`min` and `max`), "
      "not both\n"
      "s.yaml:15:3: space.seed: has more than 10000 values; a grid needs `count`, the number "
      "of points, or a `step` (--vary seed=1..1000000:step=...)");
}

TEST(When, APathVariesOnlyWhereItsConditionHolds) {
  const std::vector<Trial> trials = Trials(
      "space:\n"
      "  model.activation: [relu, gelu_tanh]\n"
      "  model.d_ff: {values: [256, 512], when: {model.activation: relu}}\n"
      "  model.n_layers: [1, 2]\n");
  std::vector<std::string> names;
  for (const Trial& trial : trials) names.push_back(trial.name);
  EXPECT_THAT(names, ElementsAre("tiny-activation_relu-ff256-L1", "tiny-activation_relu-ff256-L2",
                                 "tiny-activation_relu-ff512-L1", "tiny-activation_relu-ff512-L2",
                                 "tiny-activation_gelu_tanh-L1", "tiny-activation_gelu_tanh-L2"));
  EXPECT_EQ(trials[5].spec.model().d_ff(), 0);
  EXPECT_THAT(trials[5].differing, ElementsAre("model.activation=gelu_tanh", "model.n_layers=2"));
}

TEST(When, ConditionsMayLookAtVariantsAtEachOtherAndAtTheBase) {
  EXPECT_THAT(Names("variants:\n"
                    "  - {name: deep, set: {model.n_layers: 6}}\n"
                    "  - {name: wide, set: {model.d_model: 256}}\n"
                    "space:\n"
                    "  train.steps: {values: [100, 200], when: {model.n_layers: 6}}\n"
                    "  train.log_every: {values: [5, 20], when: {train.steps: 200}}\n"),
              // `wide` leaves the base's 4 layers and 1000 steps.
              ElementsAre("tiny-deep-t100", "tiny-deep-log_every5-t200",
                          "tiny-deep-log_every20-t200", "tiny-wide"));
}

TEST(When, WhatCannotBe) {
  EXPECT_EQ(ErrorOf("space:\n"
                    "  model.n_layers: {values: [1, 2], when: {model.n_heads: 2}}\n"
                    "  train.steps: {values: [100, 200], when: {train.log_every: 5}}\n"
                    "  train.log_every: {values: [5, 10], when: {train.steps: 100}}\n"
                    "  model.d_model: {values: [64, 128], when: {model.d_model: 64}}\n"
                    "  seed: {values: [1, 2], when: {model.layers: 1, model.n_layers: x}}\n"),
            "s.yaml:6:60: space.model.d_model.when.model.d_model: a path cannot depend on itself\n"
            "s.yaml:3:58: space.model.n_layers.when.model.n_heads: is not varied; a condition "
            "looks at paths of `space` or `variants`\n"
            "s.yaml:7:47: space.seed.when.model.layers: unknown field 'layers'; did you mean "
            "'n_layers'?\n"
            "s.yaml:7:66: space.seed.when.model.n_layers: expected an integer, is 'x'\n"
            "s.yaml:5:38: space.train.log_every.when: the conditions depend on each other in a "
            "circle\n"
            "s.yaml:4:37: space.train.steps.when: the conditions depend on each other in a "
            "circle");
}

constexpr char kRandom[] =
    "strategy: random\n"
    "trials: 6\n"
    "seed: 3\n"
    "space:\n"
    "  train.optimizer.lr: {min: 1e-4, max: 1e-2, scale: log}\n"
    "  model.n_layers: {min: 1, max: 8}\n"
    "  model.activation: [relu, gelu_tanh]\n";

// These values are part of the meaning of a sweep's seed: they must never change.
TEST(RandomTrials, AreTheSameForEver) {
  EXPECT_THAT(
      Names(kRandom),
      ElementsAre("tiny-activation_relu-L7-lr0.0001151", "tiny-activation_relu-L7-lr0.0001599",
                  "tiny-activation_gelu_tanh-L2-lr0.001159", "tiny-activation_relu-L1-lr0.0001496",
                  "tiny-activation_relu-L7-lr0.0006566", "tiny-activation_relu-L8-lr0.0005671"));
}

TEST(RandomTrials, APathAddedElsewhereShiftsNothing) {
  const std::vector<Trial> before = Trials(kRandom);
  const std::vector<Trial> after =
      Trials(std::string(kRandom) + "  train.clip_norm: {min: 0.5, max: 2}\n" +
             "  model.d_ff: {values: [256, 512], when: {model.activation: relu}}\n");
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].spec.train().optimizer().lr(), after[i].spec.train().optimizer().lr());
    EXPECT_EQ(before[i].spec.model().n_layers(), after[i].spec.model().n_layers());
    EXPECT_EQ(before[i].spec.model().activation(), after[i].spec.model().activation());
    if (after[i].spec.model().activation() == "gelu_tanh") {
      EXPECT_EQ(after[i].spec.model().d_ff(), 0);
    }
  }
}

TEST(RandomTrials, ASmallSpaceIsDrawnEmptyAndNotFurther) {
  const std::string space =
      "strategy: random\nspace: {model.n_layers: [1, 2, 3], model.bias: [true, false]}\n";
  std::vector<std::string> names = Names("trials: 6\n" + space);
  std::sort(names.begin(), names.end());
  EXPECT_THAT(names, ElementsAre("tiny-bias_false-L1", "tiny-bias_false-L2", "tiny-bias_false-L3",
                                 "tiny-bias_true-L1", "tiny-bias_true-L2", "tiny-bias_true-L3"));
  EXPECT_EQ(ErrorOf("trials: 7\n" + space),
            "s.yaml:2:9: trials: is 7, and the space has only 6 different settings; lower it, "
            "widen the space, or leave out `strategy: random` to train them all");
}

TEST(RandomTrials, WhatStrategiesAskFor) {
  EXPECT_EQ(ErrorOf("strategy: random\nspace: {model.n_layers: [1, 2]}\n"),
            "trials: strategy random needs to know how many settings to draw, e.g. trials: 20");
  EXPECT_EQ(ErrorOf("trials: 3\nspace: {model.n_layers: [1, 2]}\n"),
            "s.yaml:2:9: trials: belongs to `strategy: random`; a grid has every combination");
  EXPECT_THAT(ErrorOf("strategy: bayes\nspace: {model.n_layers: [1, 2]}\n"),
              HasSubstr("s.yaml:2:11: strategy: must be one of grid, random"));
}

TEST(Repeats, TheFirstHasTheSettingsSeedAndTheOthersDeriveFromIt) {
  const std::vector<Trial> trials = Trials("repeats: 3\nspace: {model.n_layers: [2, 4]}\n");
  ASSERT_EQ(trials.size(), 6u);
  std::vector<std::string> names;
  for (const Trial& trial : trials) names.push_back(trial.name);
  EXPECT_THAT(names, ElementsAre("tiny-L2-s1", "tiny-L2-s2", "tiny-L2-s3", "tiny-L4-s1",
                                 "tiny-L4-s2", "tiny-L4-s3"));
  EXPECT_EQ(trials[0].spec.seed(), 42u);
  EXPECT_EQ(trials[1].spec.seed(), trials[4].spec.seed());
  EXPECT_THAT(trials[0].differing, ElementsAre("model.n_layers=2", "seed=42"));
  EXPECT_THAT(RepeatSeeds(42, 4), ElementsAre(42, 426378728, 1820349096, 1172760783));
  EXPECT_THAT(VariedPaths(Parse("repeats: 3\nspace: {model.n_layers: [2, 4]}\n").sweep),
              ElementsAre("model.n_layers", "seed"));
}

TEST(Repeats, AreASweepByThemselvesAndExcludeASeedAxis) {
  EXPECT_THAT(Names("repeats: 2\nspace: {}\n"), ElementsAre("tiny-s1", "tiny-s2"));
  EXPECT_EQ(ErrorOf("repeats: 2\nspace: {seed: [1, 2]}\n"),
            "s.yaml:3:9: space.seed: is varied by `repeats` already; leave one of the two out");
  EXPECT_EQ(ErrorOf("repeats: 6000\nspace: {model.n_layers: [1, 2]}\n"),
            "s.yaml:2:10: repeats: must be >= 1 and <= 1000 runs, is 6000");
  EXPECT_EQ(ErrorOf("repeats: 1000\nspace: {model.n_layers: {min: 1, max: 11}}\n"),
            "s.yaml:3:1: space: makes 11000 runs; a sweep has at most 10000");
}

TEST(Expand, TheSameRunTwiceIsRefused) {
  EXPECT_EQ(ErrorOf("variants:\n"
                    "  - {name: a, set: {model.n_layers: 4}}\n"
                    "  - {name: b, set: {model.d_model: 128}}\n"),
            "trial 1 (tiny-b): is the same run as trial 0 (tiny-a); leave one of them out");
}

TEST(Vary, Ranges) {
  v1::SweepSpec sweep;
  sweep.mutable_base()->mutable_data()->set_persona("p");
  ASSERT_OK(ApplyVary(sweep, "model.n_layers=1..3"));
  ASSERT_OK(ApplyVary(sweep, "train.optimizer.lr=1e-4..1e-2:log:3"));
  ASSERT_OK(ApplyVary(sweep, "model.d_model=64..128:step=32"));
  ASSERT_OK_AND_ASSIGN(const auto trials, ExpandSweep(sweep));
  EXPECT_EQ(trials.size(), 27u);
  EXPECT_EQ(trials[26].name, "sweep-d128-L3-lr0.01");
  ASSERT_OK(ApplyVary(sweep, "data.train=../a.txt,../b.txt"));
  EXPECT_EQ(sweep.space().at("data.train").values_size(), 2);
  EXPECT_EQ(ApplyVary(sweep, "model.n_layers=1..x").message(),
            "--vary: model.n_layers: expected MIN..MAX, is '1..x'");
  EXPECT_EQ(ApplyVary(sweep, "model.n_layers=1..4:lin").message(),
            "--vary: model.n_layers: expected log, step=NUMBER or how many points after MIN..MAX, "
            "is 'lin'");
  EXPECT_EQ(ApplyVary(sweep, "model.n_layers=0..4").message(),
            "--vary: model.n_layers: must be >= 1 and <= 256 blocks, is 0");
}

}  // namespace
}  // namespace shoal::spec
