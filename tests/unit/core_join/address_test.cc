#include "core/join/address.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::join {
namespace {

using testing::HasSubstr;

TEST(AddressTest, ReadsNamesAndBothKindsOfIp) {
  EXPECT_THAT(ParseAddress("laptop:7411"), IsOkAndHolds(Address{"laptop", 7411}));
  EXPECT_THAT(ParseAddress("lab.example.org:1"), IsOkAndHolds(Address{"lab.example.org", 1}));
  EXPECT_THAT(ParseAddress("0.0.0.0:0"), IsOkAndHolds(Address{"0.0.0.0", 0}));
  EXPECT_THAT(ParseAddress("[::1]:65535"), IsOkAndHolds(Address{"::1", 65535}));
}

TEST(AddressTest, PrintsWhatItReads) {
  for (const char* text : {"laptop:7411", "10.0.0.7:80", "[fe80::1]:7411"}) {
    ASSERT_OK_AND_ASSIGN(const Address address, ParseAddress(text));
    EXPECT_EQ(address.ToString(), text);
  }
}

TEST(AddressTest, RefusesEverythingElseWithAnExample) {
  for (const char* text :
       {"", "laptop", "laptop:", ":7411", "laptop:65536", "laptop:-1", "laptop:+1", "laptop:7411 ",
        "laptop:0x10", "::1:7411", "[::1]", "[laptop]:7411", "a b:1", "\"x\":1", "x\n:1",
        "[::1:7411", "laptop:99999999999", "http://laptop:7411"}) {
    EXPECT_THAT(ParseAddress(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("laptop:7411")))
        << text;
  }
}

TEST(AddressTest, KnowsTheAddressesThatStandForAll) {
  EXPECT_TRUE(IsAnyAddress("0.0.0.0"));
  EXPECT_TRUE(IsAnyAddress("::"));
  EXPECT_FALSE(IsAnyAddress("127.0.0.1"));
  EXPECT_TRUE(IsIpAddress("127.0.0.1"));
  EXPECT_TRUE(IsIpAddress("fe80::1"));
  EXPECT_FALSE(IsIpAddress("laptop"));
}

}  // namespace
}  // namespace shoal::join
