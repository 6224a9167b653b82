// plugins/support: Philox against the known answers of its authors (Random123, kat_vectors), the
// dropout built on it against the words of shoal_backend.h, and bf16 rounding.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "plugins/support/bfloat16.h"
#include "plugins/support/philox.h"

namespace shoal::plugins {
namespace {

TEST(PhiloxTest, KnownAnswers) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, 0, 0),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

shoal_scalars Scalars() {
  shoal_scalars scalars{};
  scalars.training = 1;
  scalars.seed = 0x299f31d0a4093822u;
  scalars.step = 0xabcdef0003707344u;  // only the low word counts
  return scalars;
}

TEST(DropoutTest, UsesTheDocumentedCounterKeyAndWord) {
  const Dropout dropout(0.25f, 0x13198a2e, Scalars());
  const uint64_t block = 0x05a308d3243f6a88u;
  const PhiloxBlock words =
      Philox4x32({0x243f6a88, 0x05a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0);
  for (uint64_t word = 0; word < 4; ++word) {
    const float expected = words[word] >= 0x40000000u ? 1 / 0.75f : 0.0f;
    EXPECT_EQ(dropout.Factor(block * 4 + word), expected);
  }
}

TEST(DropoutTest, ThresholdIsTheFloorOfPTimesTwoToThe32) {
  EXPECT_EQ(Dropout(0.5f, 0, Scalars()).threshold(), 0x80000000u);
  // 0.1f is 13421773 / 2^27; times 2^32 it is a whole number.
  EXPECT_EQ(Dropout(0.1f, 0, Scalars()).threshold(), 13421773u * 32);
}

TEST(DropoutTest, RangesAgreeWithSingleElements) {
  const Dropout dropout(0.4f, 7, Scalars());
  for (uint64_t first = 0; first < 9; ++first) {
    std::vector<float> factors(23);
    dropout.Factors(first, 23, factors.data());
    for (uint64_t i = 0; i < 23; ++i) EXPECT_EQ(factors[i], dropout.Factor(first + i));
  }
}

TEST(DropoutTest, IsOffWhenEvaluatingOrWithoutProbability) {
  shoal_scalars evaluating = Scalars();
  evaluating.training = 0;
  EXPECT_FALSE(Dropout(0.5f, 0, evaluating).active());
  EXPECT_FALSE(Dropout(0, 0, Scalars()).active());
  EXPECT_EQ(Dropout(0.5f, 0, evaluating).Factor(3), 1);
}

TEST(DropoutTest, DropsTheAskedShare) {
  const Dropout dropout(0.1f, 1, Scalars());
  int dropped = 0;
  for (uint64_t e = 0; e < 100000; ++e) dropped += dropout.Factor(e) == 0;
  EXPECT_NEAR(dropped, 10000, 5 * std::sqrt(100000 * 0.09));
}

TEST(DropoutTest, AttentionElementsDoNotOverlapBetweenHeadsAndRows) {
  EXPECT_EQ(AttentionElement(0, 6, 0, 5), 5u);
  EXPECT_EQ(AttentionElement(0, 6, 1, 0), 65536u);
  EXPECT_EQ(AttentionElement(2, 6, 3, 7), (15u << 16) + 7);
}

TEST(Bfloat16Test, RoundsToNearestEven) {
  EXPECT_EQ(ToBfloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(ToBfloat16(1.00390625f).bits, 0x3f80);  // halfway, down to even
  EXPECT_EQ(ToBfloat16(1.01171875f).bits, 0x3f82);  // halfway, up to even
  EXPECT_EQ(ToBfloat16(1.00390637f).bits, 0x3f81);  // just above halfway
  EXPECT_EQ(ToBfloat16(-1.01171875f).bits, 0xbf82);
  EXPECT_EQ(ToBfloat16(std::numeric_limits<float>::max()).bits, 0x7f80);  // overflows to infinity
  EXPECT_EQ(ToBfloat16(-0.0f).bits, 0x8000);
}

TEST(Bfloat16Test, KeepsNanAndEveryValueOfItsOwn) {
  EXPECT_TRUE(std::isnan(ToFloat(ToBfloat16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(ToFloat(ToBfloat16(std::bit_cast<float>(0x7f800001u)))));
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Bfloat16 value{static_cast<uint16_t>(bits)};
    if (!std::isnan(ToFloat(value))) {
      ASSERT_EQ(ToBfloat16(ToFloat(value)).bits, bits);
    }
  }
}

}  // namespace
}  // namespace shoal::plugins
