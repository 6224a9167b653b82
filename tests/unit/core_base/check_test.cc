#include "core/base/check.h"

#include "gtest/gtest.h"

namespace shoal {
namespace {

TEST(CheckTest, HoldingConditionIsEvaluatedOnceAndSilent) {
  int calls = 0;
  SHOAL_CHECK(++calls == 1, "never printed");
  EXPECT_EQ(calls, 1);
}

TEST(CheckDeathTest, BrokenInvariantSaysWhereAndWhat) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const int slot = 9;
  EXPECT_DEATH(SHOAL_CHECK(slot < 4, "slot ", slot, " of ", 4),
               "check_test.cc:.*broken invariant: slot < 4: slot 9 of 4");
}

}  // namespace
}  // namespace shoal
