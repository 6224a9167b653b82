#include "core/spec/search_space.h"

#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SpecFile Parse(std::string_view yaml) {
  auto file = ParseSpecText(yaml, "s.yaml");
  EXPECT_OK(file);
  return file.ok() ? *std::move(file) : SpecFile();
}

std::string ErrorOf(std::string_view yaml) {
  const SpecFile file = Parse(yaml);
  return std::string(ExpandSweep(file.sweep, &file.positions).status().message());
}

std::vector<std::string> NamesOf(std::string_view yaml) {
  const SpecFile file = Parse(yaml);
  std::vector<std::string> names;
  auto trials = ExpandSweep(file.sweep, &file.positions);
  EXPECT_OK(trials);
  if (trials.ok()) {
    for (const Trial& trial : *trials) names.push_back(trial.name);
  }
  return names;
}

constexpr std::string_view kBase = "base: {name: tiny, data: {persona: pebble}}\n";

TEST(Expand, GridInOneOrder) {
  const SpecFile file = Parse(std::string(kBase) +
                              "space:\n"
                              "  seed: {values: [1, 2]}\n"
                              "  train.optimizer.lr: {values: [1e-3, 3e-4]}\n"
                              "  model.n_layers: {values: [4, 2]}\n");
  ASSERT_OK_AND_ASSIGN(const auto trials, ExpandSweep(file.sweep));
  ASSERT_EQ(trials.size(), 8u);
  EXPECT_EQ(trials[0].name, "tiny-L4-lr0.001-s1");
  EXPECT_EQ(trials[1].name, "tiny-L4-lr0.001-s2");
  EXPECT_EQ(trials[2].name, "tiny-L4-lr0.0003-s1");
  EXPECT_EQ(trials[7].name, "tiny-L2-lr0.0003-s2");
  EXPECT_EQ(trials[7].index, 7);
  EXPECT_THAT(trials[7].differing,
              ElementsAre("model.n_layers=2", "train.optimizer.lr=0.0003", "seed=2"));
  EXPECT_EQ(trials[7].spec.name(), trials[7].name);
  EXPECT_EQ(trials[7].spec.model().n_layers(), 2);
  EXPECT_EQ(trials[7].spec.seed(), 2u);
  EXPECT_EQ(trials[7].spec.model().d_model(), 128);  // complete
  EXPECT_THAT(VariedPaths(file.sweep), ElementsAre("model.n_layers", "train.optimizer.lr", "seed"));
}

TEST(Expand, VariantsTimesGrid) {
  EXPECT_THAT(NamesOf(std::string(kBase) +
                      "variants:\n"
                      "  - {name: small, set: {model.d_model: 64, model.n_layers: 2}}\n"
                      "  - {set: {model.d_model: 256, model.activation: relu}}\n"
                      "space: {seed: {values: [1, 2]}}\n"),
              ElementsAre("tiny-small-s1", "tiny-small-s2", "tiny-activation_relu-d256-s1",
                          "tiny-activation_relu-d256-s2"));
}

TEST(Expand, NamesAreUniqueAndShort) {
  EXPECT_THAT(NamesOf("base: {name: a}\n"
                      "space: {data.train: {values: [a/b.jsonl, a_b.jsonl]}}\n"),
              ElementsAre("a-train_a_b.jsonl", "a-train_a_b.jsonl-t1"));
  const auto names = NamesOf("base: {name: " + std::string(64, 'n') +
                             ", data: {persona: p}}\nspace: {seed: {values: [1, 2]}}\n");
  EXPECT_THAT(names, ElementsAre(std::string(61, 'n') + "-t0", std::string(61, 'n') + "-t1"));
}

TEST(Expand, Tags) {
  EXPECT_EQ(ShortTag("model.n_heads", "8"), "h8");
  EXPECT_EQ(ShortTag("train.batch.size", "32"), "b32");
  EXPECT_EQ(ShortTag("train.schedule.warmup_steps", "50"), "warmup_steps50");
  EXPECT_EQ(ShortTag("model.bias", "false"), "bias_false");
  EXPECT_EQ(ShortTag("data.persona", "my persona.yaml"), "persona_my_persona.yaml");
}

TEST(Expand, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(ErrorOf(std::string(kBase) + "space:\n"
                                         "  model.n_layer: {values: [1]}\n"
                                         "  model.n_heads: {values: [4, four, 0, 4, 04]}\n"
                                         "  samples.prompts: {values: [a]}\n"
                                         "  train: {values: [a]}\n"
                                         "  name: {values: [a]}\n"
                                         "  seed: {values: []}\n"),
            "s.yaml:4:31: space.model.n_heads.values[1]: expected an integer, is 'four'\n"
            "s.yaml:4:37: space.model.n_heads.values[2]: must be >= 1 and <= 256, is 0\n"
            "s.yaml:4:40: space.model.n_heads.values[3]: '4' is given twice; --repeats 2 trains a "
            "setting twice\n"
            "s.yaml:4:43: space.model.n_heads.values[4]: expected an integer, is '04'; write it "
            "without leading zeros\n"
            "s.yaml:3:3: space.model.n_layer: unknown field 'n_layer'; did you mean 'n_layers'?\n"
            "s.yaml:7:3: space.name: cannot be varied; runs are named by what differs\n"
            "s.yaml:5:3: space.samples.prompts: is a list of text; only single values can be "
            "varied\n"
            "s.yaml:6:3: space.train: is a group; only single values can be varied\n"
            "s.yaml:8:3: space.seed: has no values; e.g. [1, 2, 4], or {min: 1, max: 8}");
}

TEST(Expand, OneSentenceForManyTrials) {
  // Every trial lacks data: said once. Two of three have the wrong heads.
  EXPECT_EQ(ErrorOf("base: {name: t}\nspace: {seed: {values: [1, 2]}}\n"),
            "data: needs a source: dataset (of the lab), persona (conversations are generated) or "
            "train (a .jsonl or .txt file), e.g. --set data.train=FILE");
  EXPECT_EQ(ErrorOf(std::string(kBase) + "space: {model.n_heads: {values: [4, 3, 5]}}\n"),
            "trial 1 (tiny-h3): s.yaml:2:37: model.n_heads: must divide d_model (128), is 3\n"
            "trial 2 (tiny-h5): s.yaml:2:40: model.n_heads: must divide d_model (128), is 5");
}

TEST(Expand, Variants) {
  EXPECT_EQ(ErrorOf(std::string(kBase) + "variants:\n"
                                         "  - {name: a/b, set: {seed: 1}}\n"
                                         "  - {name: x, set: {seed: 2}}\n"
                                         "  - {name: x, set: {}}\n"
                                         "space: {seed: {values: [1]}}\n"),
            "s.yaml:3:12: variants[0].name: may hold letters, digits, '-', '_' and '.', and "
            "begins with a letter, digit or '_'; is 'a/b'\n"
            "s.yaml:3:29: variants[0].set.seed: is also in `space`; a path is varied in one place\n"
            "s.yaml:4:27: variants[1].set.seed: is also in `space`; a path is varied in one place\n"
            "s.yaml:5:12: variants[2].name: 'x' is given twice\n"
            "s.yaml:5:5: variants[2]: sets nothing");
}

TEST(Expand, Caps) {
  std::string values;
  for (int i = 0; i < 101; ++i) values += (i > 0 ? ", " : "") + std::to_string(i + 1);
  const std::string yaml = std::string(kBase) + "space:\n  seed: {values: [" + values +
                           "]}\n  train.log_every: {values: [" + values + "]}\n";
  EXPECT_EQ(ErrorOf(yaml), "s.yaml:2:1: space: makes 10201 runs; a sweep has at most 10000");
  EXPECT_EQ(ErrorOf(yaml + "  evaluate.every: {values: [" + values + "]}\n" +
                    "  checkpoint.every: {values: [" + values + "]}\n" +
                    "  train.steps: {values: [" + values + "]}\n"),
            "s.yaml:2:1: space: makes over 1000000000 runs; a sweep has at most 10000");
  EXPECT_THAT(ErrorOf(std::string(kBase)), HasSubstr("varies nothing"));
}

TEST(Expand, ValidateOfASweepIsTheSame) {
  const SpecFile file = Parse(std::string(kBase) + "space: {model.n_heads: {values: [3]}}\n");
  EXPECT_EQ(Validate(file.sweep, &file.positions).message(),
            "s.yaml:2:34: model.n_heads: must divide d_model (128), is 3");
}

TEST(Vary, AddsToTheSpace) {
  v1::SweepSpec sweep;
  sweep.mutable_base()->mutable_data()->set_persona("p");
  Positions positions;
  ASSERT_OK(ApplyVary(sweep, "model.n_layers=1, 2,4", &positions));
  ASSERT_OK(ApplyVary(sweep, "train.optimizer.lr=1e-3,3e-4", &positions));
  ASSERT_OK_AND_ASSIGN(const auto trials, ExpandSweep(sweep, &positions));
  EXPECT_EQ(trials.size(), 6u);
  EXPECT_EQ(trials[5].name, "sweep-L4-lr0.0003");
  EXPECT_EQ(ApplyVary(sweep, "model.n_layers=1,x,0").message(),
            "--vary: model.n_layers: expected an integer, is 'x'\n"
            "--vary: model.n_layers: must be >= 1 and <= 256 blocks, is 0");
  EXPECT_EQ(ApplyVary(sweep, "layers").message(),
            "--vary: expected PATH=VALUE,VALUE or PATH=MIN..MAX, is 'layers'");
  EXPECT_EQ(ApplyVary(sweep, "steps=1").message(),
            "--vary: steps: unknown field 'steps' here; did you mean 'train.steps'?");
}

}  // namespace
}  // namespace shoal::spec
