#include "core/spec/model_presets.h"

#include <set>

#include "core/spec/model_counts.h"
#include "core/spec/spec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

using testing::HasSubstr;

TEST(ModelPresets, AreInTheOrderOfTheirSize) {
  int64_t previous = 0;
  for (const ModelPreset& preset : ModelPresets()) {
    const int64_t count = CountParameters(preset.model, preset.model.vocab_size()).total;
    EXPECT_GE(count, previous) << preset.name;
    previous = count;
  }
}

TEST(ModelPresets, AreFoundByNameAndAlias) {
  EXPECT_EQ(FindModelPreset("gpt124")->name, "gpt124");
  EXPECT_EQ(FindModelPreset("gpt2-d12")->name, "gpt124");
  EXPECT_EQ(FindModelPreset("gpt30")->name, "gpt2-d6");
  EXPECT_FALSE(FindModelPreset("").ok());
  std::set<std::string> names;
  for (const ModelPreset& preset : ModelPresets()) {
    EXPECT_TRUE(names.insert(preset.name).second) << preset.name;
    if (!preset.alias.empty()) {
      EXPECT_TRUE(names.insert(preset.alias).second) << preset.alias;
    }
  }
}

TEST(ModelPresets, AreValid) {
  for (const ModelPreset& preset : ModelPresets()) {
    v1::RunSpec spec;
    *spec.mutable_model() = preset.model;
    spec.mutable_data()->set_persona("pebble");
    spec.mutable_tokenizer()->set_path("tokenizer.json");
    spec.mutable_train()->mutable_batch()->set_size(preset.batch);
    EXPECT_OK(Validate(spec)) << preset.name;
  }
}

TEST(ModelPresets, AreCompleteAndMeasuredWithinTheirContext) {
  for (const ModelPreset& preset : ModelPresets()) {
    v1::RunSpec spec;
    *spec.mutable_model() = preset.model;
    FillDefaults(spec);
    EXPECT_EQ(spec.model().SerializeAsString(), preset.model.SerializeAsString()) << preset.name;
    EXPECT_LE(preset.seq, preset.model.max_seq()) << preset.name;
    EXPECT_GE(preset.batch, 1) << preset.name;
  }
}

TEST(ModelPresets, AnUnknownOneIsToldWhatThereIs) {
  EXPECT_THAT(FindModelPreset("gpt5"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tiny, guppy, gpt2-d6")));
}

}  // namespace
}  // namespace shoal::spec
