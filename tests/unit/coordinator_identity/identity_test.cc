#include "coordinator/identity/identity.h"

#include <sys/stat.h>

#include "core/base/file.h"
#include "core/join/join_file.h"
#include "core/join/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::identity {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class IdentityTest : public TempDirTest {
 protected:
  absl::StatusOr<Identity> Load(absl::Time now = kNow) {
    return LoadOrMake(dir(), "0.0.0.0", "laptop", now);
  }
  absl::StatusOr<join::JoinFile> Join() { return join::ReadJoinFile(join::JoinFileOf(dir())); }
  // A lab that has listened as laptop:7411.
  void Listen() {
    ASSERT_OK_AND_ASSIGN(const Identity identity, Load());
    ASSERT_THAT(WriteJoinFile(dir(), identity, {"laptop", 7411}), IsOkAndHolds(true));
  }
  std::string Read(const std::string& name) { return *files_.ReadFile(Path(name)); }
  static int Mode(const std::string& path) {
    struct stat info = {};
    return stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 0777) : -1;
  }
};

TEST_F(IdentityTest, IsMadeOnceAndKeptSecret) {
  Listen();
  ASSERT_OK_AND_ASSIGN(const Identity first, Load());
  ASSERT_OK_AND_ASSIGN(const Identity again, Load());
  EXPECT_EQ(first.certificate, again.certificate);
  EXPECT_EQ(first.private_key, again.private_key);
  EXPECT_EQ(Mode(Path("access")), 0700);
  EXPECT_EQ(Mode(Path("access/private-key.pem")), 0600);
  EXPECT_EQ(Mode(join::JoinFileOf(dir())), 0600);
}

TEST_F(IdentityTest, TheKeyItselfIsInTheJoinFileOnly) {
  Listen();
  ASSERT_OK_AND_ASSIGN(const join::JoinFile join, Join());
  EXPECT_EQ(join.address, "laptop:7411");
  EXPECT_THAT(ReadKeyDigest(KeyDigestPath(dir())), IsOkAndHolds(join::KeyDigest(join.key)));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, files_.ListDir(Path("access")));
  for (const std::string& name : names) {
    EXPECT_EQ(Read("access/" + name).find(join.key), std::string::npos) << name;
  }
}

TEST_F(IdentityTest, ANewAddressKeepsTheKey) {
  Listen();
  ASSERT_OK_AND_ASSIGN(const join::JoinFile before, Join());
  ASSERT_OK_AND_ASSIGN(const Identity identity, Load());
  EXPECT_THAT(WriteJoinFile(dir(), identity, {"10.0.0.7", 80}), IsOkAndHolds(true));
  ASSERT_OK_AND_ASSIGN(const join::JoinFile after, Join());
  EXPECT_EQ(after.address, "10.0.0.7:80");
  EXPECT_EQ(after.key, before.key);
  EXPECT_EQ(after.certificate, before.certificate);
}

TEST_F(IdentityTest, AJoinFileThatWasTakenAwayStaysAway) {
  Listen();
  const std::string digest = Read("access/key.sha256");
  ASSERT_OK(files_.RemoveFile(join::JoinFileOf(dir())));
  ASSERT_OK_AND_ASSIGN(const Identity identity, Load());
  EXPECT_THAT(WriteJoinFile(dir(), identity, {"laptop", 7411}), IsOkAndHolds(false));
  EXPECT_FALSE(files_.Exists(join::JoinFileOf(dir())));
  EXPECT_EQ(Read("access/key.sha256"), digest);
}

TEST_F(IdentityTest, RotatingMakesANewKeyAndKeepsTheCertificate) {
  Listen();
  ASSERT_OK_AND_ASSIGN(const join::JoinFile before, Join());
  ASSERT_OK_AND_ASSIGN(const Rotated rotated, Rotate(dir(), kNow));
  EXPECT_FALSE(rotated.certificate);
  ASSERT_OK_AND_ASSIGN(const join::JoinFile after, Join());
  EXPECT_NE(after.key, before.key);
  EXPECT_EQ(after.certificate, before.certificate);
  EXPECT_EQ(after.address, before.address);
  EXPECT_THAT(ReadKeyDigest(KeyDigestPath(dir())), IsOkAndHolds(join::KeyDigest(after.key)));
}

TEST_F(IdentityTest, AnExpiredCertificateIsToldAndRotatedAway) {
  Listen();
  const absl::Time late = kNow + absl::Hours(24 * 3700);
  EXPECT_THAT(Load(late), StatusIs(absl::StatusCode::kFailedPrecondition,
                                   AllOf(HasSubstr("expired on"), HasSubstr("--rotate"))));
  ASSERT_OK_AND_ASSIGN(const Identity before, Load());
  ASSERT_OK_AND_ASSIGN(const Rotated rotated, Rotate(dir(), late));
  EXPECT_TRUE(rotated.certificate);
  ASSERT_OK_AND_ASSIGN(const Identity after, Load(late));
  EXPECT_EQ(after.facts.names, before.facts.names);
  EXPECT_NE(after.certificate, before.certificate);
  ASSERT_OK_AND_ASSIGN(const join::JoinFile join, Join());
  EXPECT_EQ(join.certificate, after.certificate);
}

TEST_F(IdentityTest, ALabThatNeverListenedHasNothingToRotate) {
  EXPECT_THAT(Rotate(dir(), kNow),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("--listen")));
}

TEST_F(IdentityTest, DamagedFilesAreToldWithTheRemedy) {
  Listen();
  ASSERT_OK(files_.WriteFileAtomic(Path("access/certificate.pem"), "nonsense"));
  EXPECT_THAT(Load(), StatusIs(absl::StatusCode::kDataLoss,
                               AllOf(HasSubstr("certificate.pem"), HasSubstr("remove it"))));
  ASSERT_OK(files_.WriteFileAtomic(KeyDigestPath(dir()), "nonsense"));
  EXPECT_THAT(ReadKeyDigest(KeyDigestPath(dir())),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("--rotate")));
}

}  // namespace
}  // namespace shoal::identity
