#include "core/base/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal {
namespace {

using testing::ElementsAre;

constexpr uint32_t kTest = PurposeOf(Purpose::kTest);

// From kat_vectors of the authors' Random123 distribution, "philox4x32 10".
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_THAT(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(
      Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(RandomTest, StreamIsPhiloxOfItsCoordinates) {
  Random random(0x299f31d0'a4093822, 0x85a308d3, 0x03707344'13198a2e);
  const auto first = Philox4x32({0, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  const auto second = Philox4x32({1, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  for (uint32_t word : first) EXPECT_EQ(random.NextU32(), word);
  for (uint32_t word : second) EXPECT_EQ(random.NextU32(), word);
}

TEST(RandomTest, SeedPurposeAndStepMakeDifferentStreams) {
  const uint32_t base = Random(1, kTest, 1).NextU32();
  EXPECT_EQ(Random(1, kTest, 1).NextU32(), base);
  EXPECT_NE(Random(2, kTest, 1).NextU32(), base);
  EXPECT_NE(Random(1, kTest, 2).NextU32(), base);
  EXPECT_NE(Random(1, PurposeOf(Purpose::kTest, 1), 1).NextU32(), base);
  EXPECT_NE(Random(1, kTest, uint64_t{1} << 32 | 1).NextU32(), base);
  EXPECT_NE(Random(uint64_t{1} << 32 | 1, kTest, 1).NextU32(), base);
}

TEST(RandomTest, UniformStaysBelowOneAndIsEven) {
  Random random(7, kTest);
  double sum = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const float value = random.Uniform();
    ASSERT_GE(value, 0.0f);
    ASSERT_LT(value, 1.0f);
    const double wide = random.UniformDouble();
    ASSERT_GE(wide, 0.0);
    ASSERT_LT(wide, 1.0);
    sum += value + wide;
  }
  EXPECT_NEAR(sum / (2 * kCount), 0.5, 0.003);
}

TEST(RandomTest, NormalHasItsMoments) {
  Random random(7, kTest);
  constexpr int kCount = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kCount; ++i) {
    const double value = random.Normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.01);
  EXPECT_NEAR(squares / kCount, 1.0, 0.02);
  EXPECT_NEAR(fourth / kCount, 3.0, 0.1);
}

TEST(RandomTest, BelowIsUnbiased) {
  Random random(3, kTest);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[random.Below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random.Below(1), 0u);
  // A bound that would favour small numbers twofold if bias were not rejected.
  const uint64_t bound = uint64_t{3} << 62;
  int low = 0;
  for (int i = 0; i < 10000; ++i) {
    const uint64_t value = random.Below(bound);
    ASSERT_LT(value, bound);
    low += value < bound / 3 ? 1 : 0;
  }
  EXPECT_NEAR(low, 3333, 200);
}

TEST(RandomTest, ShuffleIsADeterministicPermutation) {
  std::vector<int> order(100);
  std::iota(order.begin(), order.end(), 0);
  std::vector<int> again = order;
  Random(5, kTest, 1).Shuffle(std::span(order));
  Random(5, kTest, 1).Shuffle(std::span(again));
  EXPECT_EQ(order, again);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(RandomTest, EveryPermutationOfThreeIsEquallyLikely) {
  std::vector<int> counts(27);
  for (uint64_t step = 0; step < 6000; ++step) {
    std::vector<int> items = {0, 1, 2};
    Random(1, kTest, step).Shuffle(std::span(items));
    ++counts[static_cast<size_t>(items[0] * 9 + items[1] * 3 + items[2])];
  }
  for (int count : counts) {
    if (count != 0) {
      EXPECT_NEAR(count, 1000, 130);
    }
  }
}

// Frozen: these numbers are part of what a fingerprint means.
TEST(RandomTest, Golden) {
  Random random(42, PurposeOf(Purpose::kInit), 0);
  const uint64_t word = random.NextU64();
  Random same(42, PurposeOf(Purpose::kInit), 0);
  EXPECT_EQ(same.NextU32(), static_cast<uint32_t>(word));
  EXPECT_EQ(same.NextU32(), static_cast<uint32_t>(word >> 32));
  std::vector<int> order = {0, 1, 2, 3, 4, 5, 6, 7};
  Random(42, PurposeOf(Purpose::kShuffle), 3).Shuffle(std::span(order));
  EXPECT_THAT(order, ElementsAre(7, 1, 2, 0, 6, 5, 4, 3));
}

}  // namespace
}  // namespace shoal
