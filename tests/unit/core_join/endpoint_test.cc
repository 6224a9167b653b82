#include "core/join/endpoint.h"

#include <sys/stat.h>

#include <fstream>

#include "coordinator/identity/certificate_maker.h"
#include "core/base/strings.h"
#include "core/join/join_file.h"
#include "core/join/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::join {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const absl::Time kMade = absl::FromUnixSeconds(1'800'000'000);

class EndpointTest : public TempDirTest {
 protected:
  std::string WriteJoinFile() {
    const auto made = identity::MakeCertificate({"laptop"}, kMade);
    EXPECT_OK(made);
    const std::string path = Path("lab.join");
    std::ofstream(path) << ToText({"laptop:7411", NewKey(), made->certificate});
    EXPECT_EQ(chmod(path.c_str(), 0600), 0);
    return path;
  }
};

TEST_F(EndpointTest, IsAUnixSocketOrAJoinFile) {
  ASSERT_OK_AND_ASSIGN(const Endpoint local, FindEndpoint("unix:/run/lab.sock", kMade));
  EXPECT_TRUE(local.is_local());
  EXPECT_EQ(local.target, "unix:/run/lab.sock");
  EXPECT_OK(Check(local));
  const std::string path = WriteJoinFile();
  ASSERT_OK_AND_ASSIGN(const Endpoint remote, FindEndpoint(path, kMade));
  EXPECT_FALSE(remote.is_local());
  EXPECT_EQ(remote.target, "laptop:7411");
  EXPECT_EQ(remote.file, path);
  EXPECT_OK(Check(remote));
}

TEST_F(EndpointTest, AnAddressAloneIsRefusedWithWhatToNameInstead) {
  EXPECT_THAT(FindEndpoint("127.0.0.1:7411", kMade),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("join file"), HasSubstr("shoal coordinator join-file"))));
  Endpoint bare;
  bare.target = "127.0.0.1:7411";
  EXPECT_THAT(Check(bare), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--join")));
}

TEST_F(EndpointTest, ACertificateOutOfItsTimeIsToldBeforeAnybodyConnects) {
  const std::string path = WriteJoinFile();
  EXPECT_OK(FindEndpoint(path, kMade - absl::Hours(23)));
  EXPECT_THAT(FindEndpoint(path, kMade - absl::Hours(48)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("clock")));
  EXPECT_OK(FindEndpoint(path, kMade + absl::Hours(24 * 3650)));
  EXPECT_THAT(FindEndpoint(path, kMade + absl::Hours(24 * 3654)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("expired on 2037-01-1"), HasSubstr("--rotate"))));
}

TEST(ExplainTest, SaysWhatAPersonCanDo) {
  Endpoint endpoint{"laptop:7411", "certificate", "key", "lab.join"};
  EXPECT_THAT(Explain(absl::UnauthenticatedError("no"), endpoint),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       AllOf(HasSubstr("laptop:7411"), HasSubstr("lab.join"))));
  EXPECT_THAT(Explain(absl::UnavailableError("x: CERTIFICATE_VERIFY_FAILED: y"), endpoint),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("certificate is another")));
  EXPECT_EQ(Explain(absl::UnavailableError("refused"), endpoint),
            absl::UnavailableError("refused"));
  EXPECT_OK(Explain(absl::OkStatus(), endpoint));
}

}  // namespace
}  // namespace shoal::join
