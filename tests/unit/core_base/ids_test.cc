#include "core/base/ids.h"

#include <set>
#include <type_traits>

#include "absl/container/flat_hash_set.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace shoal {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

static_assert(!std::is_convertible_v<RunId, JobId>);
static_assert(!std::is_convertible_v<std::string, RunId>);

TEST(IdTest, HasItsKindAndTwentyCharacters) {
  const FakeClock clock;
  EXPECT_THAT(RunId::New(clock).str(), MatchesRegex("run-[0-9abcdefghjkmnpqrstvwxyz]+"));
  EXPECT_EQ(RunId::New(clock).str().size(), 4u + 20u);
  EXPECT_EQ(AttemptId::New(clock).str().substr(0, 8), "attempt-");
}

TEST(IdTest, MakeIsPure) {
  const absl::Time time = absl::FromUnixMillis(1767225600123);
  EXPECT_EQ(JobId::Make(time, 0).str(), "job-1kdvdna3v00000000000");
  EXPECT_EQ(JobId::Make(time, 33).str().substr(22), "11");
  EXPECT_EQ(JobId::Make(time, ~uint64_t{0}).str().substr(13), "zzzzzzzzzzz");
  EXPECT_EQ(JobId::Make(time, 5).time(), time);
}

TEST(IdTest, SortsByTime) {
  FakeClock clock;
  RunId last = RunId::New(clock);
  for (int i = 0; i < 100; ++i) {
    clock.Advance(absl::Milliseconds(17 * i + 1));
    const RunId next = RunId::New(clock);
    EXPECT_LT(last, next);
    last = next;
  }
}

TEST(IdTest, IdsOfOneMomentDiffer) {
  const FakeClock clock;
  absl::flat_hash_set<RunId> seen;
  for (int i = 0; i < 10000; ++i) EXPECT_TRUE(seen.insert(RunId::New(clock)).second);
}

TEST(IdTest, ParsesWhatItPrints) {
  const FakeClock clock;
  const SweepId id = SweepId::New(clock);
  EXPECT_THAT(SweepId::Parse(id.str()), IsOkAndHolds(id));
  EXPECT_EQ(StrCat("<", id, ">"), "<" + id.str() + ">");
}

TEST(IdTest, RefusesOtherText) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(RunId::Parse(""), StatusIs(kInvalid));
  EXPECT_THAT(RunId::Parse("run"), StatusIs(kInvalid));
  EXPECT_THAT(RunId::Parse("run-"), StatusIs(kInvalid, HasSubstr("it has 0 characters")));
  EXPECT_THAT(RunId::Parse("job-1kdvdx7bv00000000000"),
              StatusIs(kInvalid, HasSubstr("'job-1kdvdx7bv00000000000'")));
  EXPECT_THAT(RunId::Parse("run-1kdvdx7bv0000000000u"),
              StatusIs(kInvalid, HasSubstr("it holds 'u'")));
  EXPECT_THAT(RunId::Parse("run-1KDVDX7BV00000000000"), StatusIs(kInvalid));
  EXPECT_THAT(RunId::Parse("run-1kdvdx7bv000000000000"), StatusIs(kInvalid));
}

TEST(IdTest, DefaultIsEmpty) {
  EXPECT_TRUE(RunId().empty());
  EXPECT_EQ(RunId(), RunId());
}

}  // namespace
}  // namespace shoal
