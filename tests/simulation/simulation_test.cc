// The simulator itself: that it repeats, and that it would notice.
#include "tests/simulation/simulation.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::simulation {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(SimulationTest, TheSameSeedGivesTheSameTrace) {
  for (const uint64_t seed : {1U, 7U, 23U}) {
    const Outcome first = simulation::Run({.seed = seed, .keep_trace = true});
    const Outcome second = simulation::Run({.seed = seed, .keep_trace = true});
    EXPECT_EQ(first.trace_hash, second.trace_hash);
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_GT(first.actions, 300);
    EXPECT_NE(first.trace_hash, simulation::Run({.seed = seed + 1}).trace_hash);
  }
}

TEST(SimulationTest, FaultsDoHappen) {
  Outcome sum;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Outcome outcome = simulation::Run({.seed = seed});
    EXPECT_EQ(outcome.violation, "") << "seed " << seed;
    sum.coordinator_starts += outcome.coordinator_starts - 1;
    sum.lost += outcome.lost;
    sum.refused += outcome.refused;
    sum.succeeded += outcome.succeeded;
    sum.cancelled += outcome.cancelled;
    sum.paused += outcome.paused;
    sum.retried += outcome.retried;
    sum.drained += outcome.drained;
  }
  EXPECT_GT(sum.coordinator_starts, 30);
  EXPECT_GT(sum.lost, 30);
  EXPECT_GT(sum.refused, 0);
  EXPECT_GT(sum.succeeded, 100);
  EXPECT_GT(sum.cancelled, 0);
  EXPECT_GT(sum.paused, 10);
  EXPECT_GT(sum.retried, 0);
  EXPECT_GT(sum.drained, 10);
}

struct Mistake {
  Bug bug;
  std::string invariant;  // the one that notices it
};

class MistakeTest : public testing::TestWithParam<Mistake> {};

// Each deliberate mistake is noticed by the invariant it breaks, within a few seeds that are fine
// without it.
TEST_P(MistakeTest, IsNoticed) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    const Outcome outcome = simulation::Run({.seed = seed, .bug = GetParam().bug});
    if (outcome.violation.empty()) continue;
    EXPECT_THAT(outcome.violation, StartsWith(GetParam().invariant)) << "seed " << seed;
    EXPECT_EQ(simulation::Run({.seed = seed}).violation, "") << "seed " << seed;
    RecordProperty("seeds", static_cast<int>(seed));
    return;
  }
  FAIL() << "2000 seeds did not notice it";
}

INSTANTIATE_TEST_SUITE_P(
    All, MistakeTest,
    testing::Values(Mistake{Bug::kIgnoreFence, "fence"}, Mistake{Bug::kShortLease, "one-runner"},
                    Mistake{Bug::kCountFromReceipt, "one-runner"},
                    Mistake{Bug::kAnswerBeforeCommit, "answered"},
                    Mistake{Bug::kForgetUpdate, "memory-is-disk"},
                    Mistake{Bug::kForgetRequestIds, "answered"},
                    Mistake{Bug::kNoLeaseAtStart, "ends"}, Mistake{Bug::kForgetPause, "held-back"},
                    Mistake{Bug::kForgetResume, "ends"}, Mistake{Bug::kForgetDrain, "held-back"},
                    Mistake{Bug::kRetryCountsAnew, "numbers-grow"}));

}  // namespace
}  // namespace shoal::simulation
