// Every recipe that ships is valid, and is what its comments say.
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/spec/model_counts.h"
#include "core/spec/model_presets.h"
#include "core/spec/print.h"
#include "core/spec/search_space.h"
#include "core/spec/spec.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

SpecFile Recipe(const std::string& name) {
  auto file = ParseSpecFile(SourcePath("recipes/" + name + ".yaml"));
  EXPECT_OK(file);
  return file.ok() ? *std::move(file) : SpecFile();
}

TEST(Recipes, AllAreValid) {
  RealFileSystem files;
  ASSERT_OK_AND_ASSIGN(const auto names, files.ListDir(SourcePath("recipes")));
  int checked = 0;
  for (const std::string& name : names) {
    if (!name.ends_with(".yaml")) continue;
    SCOPED_TRACE(name);
    ++checked;
    ASSERT_OK_AND_ASSIGN(SpecFile file, ParseSpecFile(SourcePath("recipes/" + name)));
    v1::RunSpec& run = file.is_sweep ? *file.sweep.mutable_base() : file.run;
    if (run.data().persona().empty() && run.data().dataset().empty()) {
      EXPECT_OK(ApplySet(file, "data.train=train.jsonl"));
    } else if (!run.data().persona().empty()) {
      EXPECT_TRUE(files.Exists(SourcePath("personas/" + run.data().persona() + ".yaml")));
    }
    EXPECT_OK(file.is_sweep ? Validate(file.sweep, &file.positions)
                            : Validate(file.run, &file.positions));
    // A recipe is found by its file's name.
    EXPECT_EQ((file.is_sweep ? file.sweep.name() : file.run.name()) + ".yaml", name);
  }
  EXPECT_GE(checked, 3);
}

TEST(Recipes, TinyHasOneMillionParameters) {
  const SpecFile tiny = Recipe("tiny");
  EXPECT_EQ(CountParameters(tiny.run.model(), 2048).total, 1'071'872);
}

TEST(Recipes, OtherFamiliesHaveTheSizesTheySay) {
  EXPECT_EQ(CountParameters(Recipe("llama-tiny").run.model(), 2048).total, 976'000);
  EXPECT_EQ(CountParameters(FindModelPreset("llama-tiny")->model, 2048).total, 976'000);
  EXPECT_EQ(CountParameters(Recipe("bert-tiny").run.model(), 2048).total, 1'090'944);
  const v1::ModelSpec classifier = Recipe("classifier-tiny").run.model();
  EXPECT_EQ(CountParameters(classifier, 1024, 68).total, 544'836);
}

TEST(Recipes, GuppyIsGuppyLm) {
  SpecFile guppy = Recipe("guppy");
  EXPECT_EQ(CountParameters(guppy.run.model(), guppy.run.model().vocab_size()).total, 8'726'016);
  EXPECT_OK(ApplySet(guppy, "data.train=/data/train.jsonl"));
  EXPECT_OK(ApplySet(guppy, "data.held_out=/data/eval.jsonl"));
  EXPECT_OK(ApplySet(guppy, "tokenizer.path=/data/tokenizer.json"));
  EXPECT_OK(Validate(guppy.run, &guppy.positions));
  ASSERT_OK_AND_ASSIGN(const std::string canonical, CanonicalJson(guppy.run));
  EXPECT_EQ(
      canonical,
      R"({"model":{"n_layers":6,"d_model":384,"n_heads":6,"d_ff":768,"vocab_size":4096,)"
      R"("activation":"relu","dropout":{"embedding":0.1,"attention":0.1,"feed_forward":0.1}},)"
      R"("train":{"steps":10000,"optimizer":{"lr":0.0003,"decay":"all"},)"
      R"("schedule":{"warmup_steps":200,"final_lr":0.00003}},"evaluate":{"every":1000},)"
      R"("samples":{"prompts":["hi guppy","are you hungry","tell me a joke"]}})");
}

TEST(Recipes, QuickstartIsThreeSizesWithTwoSeeds) {
  const SpecFile quickstart = Recipe("quickstart");
  ASSERT_TRUE(quickstart.is_sweep);
  ASSERT_OK_AND_ASSIGN(const std::vector<Trial> trials,
                       ExpandSweep(quickstart.sweep, &quickstart.positions));
  ASSERT_EQ(trials.size(), 6u);
  std::vector<std::string> names;
  std::vector<int64_t> sizes;
  for (const Trial& trial : trials) {
    names.push_back(trial.name);
    sizes.push_back(CountParameters(trial.spec.model(), 2048).total);
  }
  EXPECT_THAT(names,
              testing::ElementsAre("quickstart-3M-s1", "quickstart-3M-s2", "quickstart-1M-s1",
                                   "quickstart-1M-s2", "quickstart-0.3M-s1", "quickstart-0.3M-s2"));
  EXPECT_THAT(sizes,
              testing::ElementsAre(3'087'360, 3'087'360, 1'071'872, 1'071'872, 289'344, 289'344));
}

}  // namespace
}  // namespace shoal::spec
