#include "core/base/digest.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal {
namespace {

using testing::HasSubstr;

// FIPS 180-4 examples.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kMillionA =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(Sha256Of("abc").Hex(), kAbc);
  EXPECT_EQ(Sha256Of("").Hex(), kEmpty);
}

TEST(Sha256Test, PiecesEqualTheWhole) {
  Sha256 sha;
  const std::string thousand(1000, 'a');
  for (int i = 0; i < 1000; ++i) sha.Update(thousand);
  EXPECT_EQ(sha.Finish().Hex(), kMillionA);
}

TEST(Sha256Test, FinishStartsOver) {
  Sha256 sha;
  sha.Update("something");
  sha.Finish();
  sha.Update("a");
  sha.Update("bc");
  EXPECT_EQ(sha.Finish().Hex(), kAbc);
}

TEST(DigestTest, HexBothWays) {
  ASSERT_OK_AND_ASSIGN(const Digest digest, Digest::FromHex(kAbc));
  EXPECT_EQ(digest, Sha256Of("abc"));
  EXPECT_THAT(Digest::FromHex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
              IsOkAndHolds(digest));
  EXPECT_NE(digest, Digest());
  EXPECT_THAT(Digest::FromHex("abc"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'abc'")));
  EXPECT_FALSE(Digest::FromHex(std::string(64, 'g')).ok());
}

using Sha256FileTest = TempDirTest;

TEST_F(Sha256FileTest, OfAFile) {
  ASSERT_OK(files_.WriteFileAtomic(Path("a"), std::string(3'000'000, 'x')));
  EXPECT_THAT(Sha256OfFile(Path("a")), IsOkAndHolds(Sha256Of(std::string(3'000'000, 'x'))));
  EXPECT_THAT(Sha256OfFile(Path("b")), StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("b"))));
}

}  // namespace
}  // namespace shoal
