#include "core/data/tokenizer/gpt2_splitter.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {
namespace {

using testing::ElementsAre;

std::vector<std::string> Cut(std::string_view text,
                             Gpt2Splitter::Path path = Gpt2Splitter::Path::kFast) {
  Gpt2Splitter splitter(path);
  std::vector<std::string> pieces;
  splitter.ForEach(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

TEST(Gpt2SplitterTest, CutsAsGpt2Does) {
  EXPECT_THAT(Cut("Hello, it's 12  o'clock!"),
              ElementsAre("Hello", ",", " it", "'s", " 12", " ", " o", "'", "clock", "!"));
  EXPECT_THAT(Cut("we've\n\n x \n"), ElementsAre("we", "'ve", "\n\n", " x", " \n"));
  EXPECT_THAT(Cut(""), ElementsAre());
  EXPECT_THAT(Cut("café été"), ElementsAre("café", " été"));
}

TEST(Gpt2SplitterTest, BytesThatAreNotUtf8StandAlone) {
  EXPECT_THAT(Cut("a\xFF\xFE"), ElementsAre("a", "\xFF\xFE"));
  EXPECT_THAT(Cut("\xC3 b\x80"), ElementsAre("\xC3", " b", "\x80"));
}

TEST(Gpt2SplitterTest, ScannerAgreesWithThePattern) {
  Random random = TestRandom(1);
  for (int i = 0; i < 5000; ++i) {
    const std::string text = i % 4 == 0 ? RandomBytes(random, 40) : RandomText(random, 14);
    ASSERT_EQ(Cut(text), Cut(text, Gpt2Splitter::Path::kPatternOnly))
        << testing::PrintToString(text);
    std::string joined;
    for (const std::string& piece : Cut(text)) joined += piece;
    ASSERT_EQ(joined, text);
  }
}

TEST(Gpt2SplitterTest, LongRunsNeedNoStack) {
  for (const char* unit : {"a", " ", "é", "\xE3\x80\x80", "\xFF", "7", "!"}) {
    std::string text;
    for (int i = 0; i < 300'000; ++i) text += unit;
    EXPECT_EQ(Cut(text).size(), 1u) << unit;
    EXPECT_GE(Cut(text + "x").size(), 1u) << unit;
  }
}

}  // namespace
}  // namespace shoal::data
