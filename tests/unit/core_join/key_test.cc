#include "core/join/key.h"

#include <set>

#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::join {
namespace {

TEST(KeyTest, NewKeysAreWellFormedAndNeverTheSame) {
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    const std::string key = NewKey();
    EXPECT_OK(CheckKeyForm(key));
    EXPECT_TRUE(keys.insert(key).second);
  }
}

TEST(KeyTest, AMalformedKeyIsNotRepeated) {
  const std::string good = NewKey();
  for (const std::string& bad :
       {std::string(), good.substr(1), good + "0", StrCat(good.substr(0, good.size() - 1), "g"),
        StrCat(good.substr(0, good.size() - 1), "A"), std::string(70, 'a')}) {
    const absl::Status status = CheckKeyForm(bad);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument)) << bad;
    if (bad.size() > 8) {
      EXPECT_THAT(std::string(status.message()), testing::Not(testing::HasSubstr(bad.substr(8))));
    }
  }
}

TEST(KeyTest, DigestsAreComparedInEveryByte) {
  const Digest digest = KeyDigest(NewKey());
  EXPECT_TRUE(SameDigest(digest, digest));
  for (size_t at = 0; at < Digest::kBytes; ++at) {
    auto bytes = digest.bytes();
    bytes[at] ^= 1;
    EXPECT_FALSE(SameDigest(digest, Digest(bytes))) << at;
  }
}

}  // namespace
}  // namespace shoal::join
