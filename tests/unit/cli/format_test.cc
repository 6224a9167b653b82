#include "cli/output/format.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

namespace shoal::cli {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(HumanCount, KeepsThreeSignificantDigits) {
  EXPECT_EQ(HumanCount(0), "0");
  EXPECT_EQ(HumanCount(7), "7");
  EXPECT_EQ(HumanCount(950), "950");
  EXPECT_EQ(HumanCount(0.5), "0.50");
  EXPECT_EQ(HumanCount(1071872), "1.07M");
  EXPECT_EQ(HumanCount(8726016), "8.73M");
  EXPECT_EQ(HumanCount(61234), "61.2k");
  EXPECT_EQ(HumanCount(612345), "612k");
  EXPECT_EQ(HumanCount(1.2e12), "1.20T");
  EXPECT_EQ(HumanCount(-2500), "-2.50k");
}

TEST(HumanCount, RoundingNeverShowsAThousandOfAUnit) {
  EXPECT_EQ(HumanCount(999), "999");
  EXPECT_EQ(HumanCount(999.6), "1.00k");
  EXPECT_EQ(HumanCount(999499), "999k");
  EXPECT_EQ(HumanCount(999500), "1.00M");
  EXPECT_EQ(HumanCount(9.996e3), "10.0k");
  EXPECT_EQ(HumanCount(99.96e3), "100k");
}

TEST(HumanCount, HasADashForWhatIsNoNumber) {
  EXPECT_EQ(HumanCount(kNan), "-");
  EXPECT_EQ(HumanCount(kInf), "-");
}

TEST(HumanBytes, UsesBinaryUnits) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1024), "1.0 KiB");
  EXPECT_EQ(HumanBytes(8912896), "8.5 MiB");
  EXPECT_EQ(HumanBytes(int64_t{137} << 30), "137.0 GiB");
  EXPECT_EQ(HumanBytes((int64_t{1} << 20) - 1), "1.0 MiB");  // not "1024.0 KiB"
}

TEST(HumanDuration, ChangesItsUnitsAsItGrows) {
  EXPECT_EQ(HumanDuration(absl::Milliseconds(400)), "0.4s");
  EXPECT_EQ(HumanDuration(absl::Seconds(12)), "12s");
  EXPECT_EQ(HumanDuration(absl::Seconds(59.6)), "1m 00s");
  EXPECT_EQ(HumanDuration(absl::Seconds(185)), "3m 05s");
  EXPECT_EQ(HumanDuration(absl::Minutes(127)), "2h 07m");
  EXPECT_EQ(HumanDuration(absl::Hours(76)), "3d 04h");
  EXPECT_EQ(HumanDuration(absl::ZeroDuration()), "0.0s");
}

TEST(HumanDuration, HasADashForWhatHasNoLength) {
  EXPECT_EQ(HumanDuration(absl::InfiniteDuration()), "-");
  EXPECT_EQ(HumanDuration(-absl::Seconds(1)), "-");
}

TEST(HumanAgo, SaysHowLongAgo) {
  const absl::Time now = absl::FromUnixSeconds(1767225600);
  EXPECT_EQ(HumanAgo(now, now), "just now");
  EXPECT_EQ(HumanAgo(now + absl::Hours(1), now), "just now");  // clocks differ between hosts
  EXPECT_EQ(HumanAgo(now - absl::Seconds(59), now), "just now");
  EXPECT_EQ(HumanAgo(now - absl::Seconds(305), now), "5m ago");
  EXPECT_EQ(HumanAgo(now - absl::Hours(47), now), "47h ago");
  EXPECT_EQ(HumanAgo(now - absl::Hours(49), now), "2d ago");
  EXPECT_EQ(HumanAgo(absl::FromUnixSeconds(1700000000), now),
            absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(1700000000), absl::LocalTimeZone()));
}

TEST(Fixed, RoundsToItsDigits) {
  EXPECT_EQ(Fixed(1.23456, 3), "1.235");
  EXPECT_EQ(Fixed(-0.5, 1), "-0.5");
  EXPECT_EQ(Fixed(kNan, 3), "-");
  EXPECT_EQ(Fixed(kInf, 3), "inf");
}

TEST(WithCommas, GroupsThousands) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(12345678), "12,345,678");
  EXPECT_EQ(WithCommas(-123456), "-123,456");
  EXPECT_EQ(WithCommas(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

}  // namespace
}  // namespace shoal::cli
