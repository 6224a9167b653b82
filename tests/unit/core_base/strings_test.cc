#include "core/base/strings.h"

#include <ostream>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal {
namespace {

using testing::ElementsAre;

struct Point {
  int x, y;
  friend std::ostream& operator<<(std::ostream& out, const Point& p) {
    return out << p.x << "," << p.y;
  }
};

TEST(StringsTest, StrCatTakesAnything) {
  const std::string_view view = "view";
  EXPECT_EQ(StrCat("a ", view, ' ' == ' ' ? " " : "", 3, " ", 0.5, " ", std::string("s"),
                   Point{1, 2}, AbslView("z")),
            "a view 3 0.5 s1,2z");
  EXPECT_EQ(StrCat(), "");
  EXPECT_EQ(StrCat(absl::Hex(255, absl::kZeroPad4)), "00ff");
}

TEST(StringsTest, StrAppendAppends) {
  std::string text = "x";
  StrAppend(text, "=", 1, std::string_view(";"));
  EXPECT_EQ(text, "x=1;");
}

TEST(StringsTest, SplitKeepsEmptyParts) {
  EXPECT_THAT(StrSplit("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(StrSplit("", ','), ElementsAre(""));
  EXPECT_THAT(StrSplit("a,", ','), ElementsAre("a", ""));
}

TEST(StringsTest, JoinPutsSeparatorsBetween) {
  EXPECT_EQ(StrJoin(std::vector<int>{1, 2, 3}, ", "), "1, 2, 3");
  EXPECT_EQ(StrJoin(std::vector<std::string_view>{}, ", "), "");
}

TEST(StringsTest, StripSpaceStripsBothEnds) {
  EXPECT_EQ(StripSpace(" \ta b\n"), "a b");
  EXPECT_EQ(StripSpace("  "), "");
}

}  // namespace
}  // namespace shoal
