#include "core/data/dataset/dataset_mix.h"

#include <map>

#include "tests/unit/core_data/import_fixture.h"

namespace shoal::data {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class MixTest : public ImportTest {
 protected:
  // A part of `train` texts "<name>0", ... and `held_out` more.
  MixPart Part(const std::string& name, double weight, int train, int held_out) {
    MixPart part{name, weight, "", ""};
    std::string text;
    for (int i = 0; i < train; ++i) StrAppend(text, "{\"text\":\"", name, i, "\"}\n");
    part.train_path = Write(name + ".train", text);
    text.clear();
    for (int i = 0; i < held_out; ++i) StrAppend(text, "{\"text\":\"", name, "-", i, "\"}\n");
    if (held_out > 0) part.held_out_path = Write(name + ".held_out", text);
    return part;
  }
  absl::StatusOr<MixResult> Mix(const std::vector<MixPart>& parts, int64_t examples,
                                uint64_t seed = 1) {
    EXPECT_OK(files_.MakeDirs(Path("out")));
    return MixDatasets(parts, examples, seed, Path("out"));
  }
};

TEST_F(MixTest, SharesHoldOverallAndInEveryStretch) {
  ASSERT_OK_AND_ASSIGN(const MixResult mixed,
                       Mix({Part("a", 0.7, 1000, 100), Part("b", 0.3, 1000, 100)}, 1000));
  EXPECT_EQ(mixed.taken[0].train, 700);
  EXPECT_EQ(mixed.taken[1].train, 300);
  EXPECT_EQ(mixed.taken[0].held_out, 100);
  EXPECT_EQ(mixed.taken[1].held_out, 43);
  EXPECT_EQ(mixed.data.train.examples, 1000);
  EXPECT_EQ(mixed.data.train.unique_examples, 1000);
  const std::vector<std::string> lines = Lines(mixed.data.train_path);
  for (size_t begin = 0; begin + 100 <= lines.size(); begin += 100) {
    const auto a = std::count_if(lines.begin() + static_cast<std::ptrdiff_t>(begin),
                                 lines.begin() + static_cast<std::ptrdiff_t>(begin) + 100,
                                 [](const std::string& line) { return line[9] == 'a'; });
    EXPECT_NEAR(static_cast<double>(a), 70, 1) << begin;
  }
}

TEST_F(MixTest, IsAPureFunction) {
  const std::vector<MixPart> parts = {Part("a", 2, 50, 5), Part("b", 1, 30, 5)};
  ASSERT_OK_AND_ASSIGN(MixResult mixed, Mix(parts, 60));
  const std::string first = Text(mixed.data.train_path);
  ASSERT_OK_AND_ASSIGN(mixed, Mix(parts, 60));
  EXPECT_EQ(Text(mixed.data.train_path), first);
  ASSERT_OK_AND_ASSIGN(mixed, Mix(parts, 60, 2));
  EXPECT_NE(Text(mixed.data.train_path), first);
}

TEST_F(MixTest, WithoutExamplesNothingIsRepeated) {
  ASSERT_OK_AND_ASSIGN(const MixResult mixed,
                       Mix({Part("a", 0.5, 10, 0), Part("b", 0.5, 300, 3)}, 0));
  EXPECT_EQ(mixed.data.train.examples, 20);
  EXPECT_EQ(mixed.data.train.unique_examples, 20);
  EXPECT_EQ(mixed.data.held_out.examples, 0);
}

TEST_F(MixTest, AShortPartIsRepeatedInRounds) {
  ASSERT_OK_AND_ASSIGN(const MixResult mixed,
                       Mix({Part("a", 0.5, 10, 0), Part("b", 0.5, 300, 0)}, 50));
  std::map<std::string, int> times;
  for (const std::string& line : Lines(mixed.data.train_path)) ++times[line];
  int twice = 0;
  for (const auto& [line, count] : times) {
    if (line[9] == 'b') {
      EXPECT_EQ(count, 1);
    } else {
      EXPECT_TRUE(count == 2 || count == 3) << line << " " << count;
    }
    twice += line[9] == 'a' && count == 2 ? 1 : 0;
  }
  EXPECT_EQ(twice, 5);  // 25 = 5 * 2 + 5 * 3
}

TEST_F(MixTest, WhatOnePartHoldsOutIsNotTrainedOn) {
  MixPart a = Part("a", 1, 10, 0), b = Part("b", 1, 10, 0);
  b.held_out_path = Write("b2", "{\"text\":\"a3\"}\n");
  ASSERT_OK_AND_ASSIGN(const MixResult mixed, Mix({a, b}, 0));
  EXPECT_EQ(mixed.taken[0].left_out, 1);
  EXPECT_EQ(mixed.taken[0].available, 9);
  EXPECT_THAT(Lines(mixed.data.train_path), Not(Contains("{\"text\":\"a3\"}")));
}

TEST_F(MixTest, Mistakes) {
  const MixPart a = Part("a", 1, 10, 0);
  EXPECT_THAT(Mix({a}, 0), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Mix({a, a}, 0), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("twice")));
  EXPECT_THAT(Mix({a, Part("b", 0, 10, 0)}, 0),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("above 0")));
  EXPECT_THAT(Mix({a, Part("b", 0.001, 10, 0)}, 10),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("share of b")));
}

}  // namespace
}  // namespace shoal::data
