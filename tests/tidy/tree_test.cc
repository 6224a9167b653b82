// The whole repository keeps the rules.

#include <iostream>

#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "tests/tidy/source_rules.h"

namespace shoal {
namespace {

class TreeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(files_, ReadTree(SourcePath("")));
    ASSERT_GT(files_.size(), 50u);
  }

  template <typename Rule>
  void ExpectKept(const Rule& rule) {
    for (const SourceFile& file : files_) {
      for (const Violation& violation : rule(file)) ADD_FAILURE() << violation;
    }
  }

  std::vector<SourceFile> files_;
};

TEST_F(TreeTest, IncludesFollowTheArrows) { ExpectKept(CheckIncludes); }

TEST_F(TreeTest, NamesSaySomething) { ExpectKept(CheckName); }

TEST_F(TreeTest, TextKeepsTheRules) { ExpectKept(CheckText); }

TEST_F(TreeTest, FilesStayReadable) {
  std::vector<Violation> soft;
  ExpectKept([&soft](const SourceFile& file) { return CheckLength(file, &soft); });
  for (const Violation& violation : soft) std::cout << "note: " << violation << "\n";
}

}  // namespace
}  // namespace shoal
