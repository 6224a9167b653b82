#include "core/spec/model_presets.h"

#include "core/spec/model_counts.h"
#include "core/spec/spec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::spec {
namespace {

using testing::HasSubstr;

int64_t Parameters(const char* name) {
  const v1::ModelSpec model = FindModelPreset(name)->model;
  return CountParameters(model, model.vocab_size()).total;
}

TEST(ModelPresets, HaveTheirPublishedSizes) {
  EXPECT_EQ(Parameters("guppy"), 8'726'016);
  EXPECT_EQ(Parameters("gpt124"), 124'439'808);
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
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tiny, guppy, gpt45")));
}

}  // namespace
}  // namespace shoal::spec
