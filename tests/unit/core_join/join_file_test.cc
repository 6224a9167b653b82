#include "core/join/join_file.h"

#include <sys/stat.h>

#include <fstream>

#include "coordinator/identity/certificate_maker.h"
#include "core/base/strings.h"
#include "core/join/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"

namespace shoal::join {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class JoinFileTest : public TempDirTest {
 protected:
  static JoinFile Sample() {
    const auto made = identity::MakeCertificate({"laptop"}, absl::FromUnixSeconds(1'800'000'000));
    EXPECT_OK(made);
    return {"laptop:7411", NewKey(), made->certificate};
  }
  // The sample's text with one line replaced.
  static std::string With(const JoinFile& join, const std::string& begin, const std::string& line) {
    const std::string whole = ToText(join);
    std::string text;
    for (const std::string_view old : StrSplit(whole, '\n')) {
      StrAppend(text, old.starts_with(begin) ? line : std::string(old), "\n");
    }
    return text;
  }
  std::string Write(const std::string& text, mode_t mode) {
    const std::string path = Path("lab.join");
    std::ofstream(path) << text;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
};

TEST_F(JoinFileTest, IsReadAsItWasWritten) {
  const JoinFile join = Sample();
  EXPECT_THAT(ParseJoinFile(ToText(join), "lab.join"), IsOkAndHolds(join));
}

TEST_F(JoinFileTest, ListsEverythingThatIsWrongWithItsPlaceAndNeverTheKey) {
  const JoinFile join = Sample();
  std::string text = With(join, "address:", "address: laptop");
  const std::string key = StrCat(join.key, "f");
  text.replace(text.find(join.key), join.key.size(), key);
  StrAppend(text, "colour: red\n");
  const absl::Status status = ParseJoinFile(text, "lab.join").status();
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("lab.join:6:10: address: \"laptop\" is not HOST:PORT"),
                             HasSubstr("lab.join:7:6: key: "), HasSubstr("colour: is no field"),
                             Not(HasSubstr(join.key)))));
}

TEST_F(JoinFileTest, RefusesWhatIsMissingRepeatedOrOfAnotherKind) {
  const JoinFile join = Sample();
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {With(join, "key:", ""), "key: is missing"},
           {With(join, "key:", "key: [1]"), "key: must be text"},
           {With(join, "address:", "address: a:1\naddress: b:1"), "given twice"},
           {With(join, "address:", "address: \"laptop:0\""), "the port must not be 0"},
           {With(join, "shoal_join:", "shoal_join: 2"), "version '2'"},
           {With(join, "shoal_join:", ""), "has no 'shoal_join'"},
           {With(join, "certificate:", "certificate: none"), "not a certificate"},
           {With(join, "  -----BEGIN", "  -----BEGAN"), "not a certificate"},
           {"", "is not a join file"},
           {"just text", "is not a join file"},
           {std::string(1000, '['), "lab.join"}}) {
    EXPECT_THAT(ParseJoinFile(text, "lab.join").status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(what)))
        << text;
  }
}

TEST_F(JoinFileTest, TwoCertificatesAreOneTooMany) {
  JoinFile join = Sample();
  join.certificate += Sample().certificate;
  EXPECT_THAT(ParseJoinFile(ToText(join), "lab.join"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more than one certificate")));
}

TEST_F(JoinFileTest, AFileThatEverybodyCanReadIsRefused) {
  const JoinFile join = Sample();
  EXPECT_THAT(ReadJoinFile(Write(ToText(join), 0600)), IsOkAndHolds(join));
  EXPECT_THAT(ReadJoinFile(Write(ToText(join), 0640)), IsOkAndHolds(join));
  EXPECT_THAT(ReadJoinFile(Write(ToText(join), 0644)),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("chmod o-rwx")));
}

TEST_F(JoinFileTest, NoFileAFolderAndAHugeFileAreTold) {
  EXPECT_THAT(ReadJoinFile(Path("none.join")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.join")));
  EXPECT_THAT(ReadJoinFile(dir()), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadJoinFile(Write(std::string(1 << 20, '#'), 0600)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1048576 bytes")));
}

}  // namespace
}  // namespace shoal::join
