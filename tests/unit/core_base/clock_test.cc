#include "core/base/clock.h"

#include "gtest/gtest.h"
#include "tests/support/fake_clock.h"

namespace shoal {
namespace {

TEST(SystemClockTest, WallTimeIsOfThisCenturyAndBoottimeGrows) {
  const SystemClock clock;
  EXPECT_GT(clock.Now(), absl::FromUnixSeconds(1'700'000'000));
  const absl::Duration before = clock.Boottime();
  EXPECT_GT(before, absl::ZeroDuration());
  EXPECT_GE(clock.Boottime(), before);
}

TEST(FakeClockTest, MovesOnlyWhenTold) {
  FakeClock clock;
  const absl::Time start = clock.Now();
  EXPECT_EQ(clock.Now(), start);
  EXPECT_EQ(absl::FormatTime(start, absl::UTCTimeZone()), "2026-01-01T00:00:00+00:00");
  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(clock.Now() - start, absl::Seconds(5));
  EXPECT_EQ(clock.Boottime(), absl::Hours(1) + absl::Seconds(5));
}

TEST(FakeClockTest, WallTimeJumpsLeaveBoottimeAlone) {
  FakeClock clock;
  clock.SetWallTime(absl::UnixEpoch());
  EXPECT_EQ(clock.Now(), absl::UnixEpoch());
  EXPECT_EQ(clock.Boottime(), absl::Hours(1));
  clock.Reboot();
  EXPECT_EQ(clock.Boottime(), absl::ZeroDuration());
}

}  // namespace
}  // namespace shoal
