#include "core/data/near_copies.h"

#include <algorithm>
#include <set>

#include "core/base/random.h"
#include "core/base/strings.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace shoal::data {
namespace {

TEST(PlainFormTest, KeepsLettersAndForgetsTheRest) {
  EXPECT_EQ(PlainForm("At 9:30, Captain Bo said: \"Ahoy!\""), "at 0 0 captain bo said ahoy");
  EXPECT_EQ(PlainForm("  Don't\tSHOUT -- 1,000 times...\n"), "dont shout 0 0 times");
  EXPECT_EQ(PlainForm("don\xE2\x80\x99t \xE2\x80\x9Cgo\xE2\x80\x9D \xE2\x80\x94 now"),
            "don t go now");
  EXPECT_EQ(PlainForm("\xC3\x84"
                      "pfel 42"),
            "\xC3\x84"
            "pfel 0");
  EXPECT_EQ(PlainForm("?!"), "");
}

TEST(TextSimilarityTest, IsOneForTextsThatDifferInFormOnly) {
  EXPECT_EQ(TextSimilarity("I saw 3 boats.", "i SAW 12 boats"), 1);
  EXPECT_EQ(TextSimilarity("ab", "AB!"), 1);
  EXPECT_EQ(TextSimilarity("nothing in common", "xyzxyzxyzxyz"), 0);
}

TEST(TextSimilarityTest, AShortWordInAHundredLettersIsANearCopy) {
  const std::string text =
      "The tower is tall and red and smells of old rope, and at night it hums like a great big "
      "sailing ship.";
  std::string one = text, two = text;
  one.replace(one.find("red"), 3, "blue");
  two.replace(two.find("red"), 3, "blue").replace(two.find("old rope"), 8, "fresh paint");
  EXPECT_GE(TextSimilarity(text, one), kNearCopySimilarity);
  EXPECT_LT(TextSimilarity(text, two), kNearCopySimilarity);
}

std::vector<std::string> RandomSentences(int64_t count, uint64_t seed) {
  static const char* const kWords[] = {
      "otter", "stone", "boat", "lamp", "fog",    "sea",    "tide",     "gull",  "rope", "bell",
      "the",   "a",     "of",   "and",  "sleeps", "counts", "polishes", "seven", "grey", "wet"};
  std::vector<std::string> out;
  for (int64_t i = 0; i < count; ++i) {
    Random random(seed, PurposeOf(Purpose::kTest), static_cast<uint64_t>(i));
    std::string text;
    const uint64_t words = random.Below(14);
    for (uint64_t w = 0; w < words; ++w) {
      StrAppend(text, text.empty() ? "" : " ", kWords[random.Below(std::size(kWords))]);
    }
    out.push_back(text);
    // Every second text has a copy with one word more.
    if (random.Below(2) == 0) out.push_back(StrCat(text, " ", kWords[random.Below(20)]));
  }
  return out;
}

// The index must find exactly what comparing everything with everything finds.
TEST(NearCopyIndexTest, FindsWhatBruteForceFinds) {
  for (const double threshold : {0.5, 0.8, 1.0}) {
    const std::vector<std::string> texts = RandomSentences(150, 1);
    const std::vector<std::string> queries = RandomSentences(150, 2);
    NearCopyIndex index(texts, threshold);
    int64_t found = 0;
    for (const auto* side : {&texts, &queries}) {
      for (const std::string& query : *side) {
        std::set<int64_t> expected, actual;
        for (size_t i = 0; i < texts.size(); ++i) {
          if (TextSimilarity(texts[i], query) >= threshold - 1e-12) {
            expected.insert(static_cast<int64_t>(i));
          }
        }
        for (const NearCopyIndex::Match& match : index.Find(query)) {
          EXPECT_TRUE(actual.insert(match.text).second);
          EXPECT_NEAR(match.similarity,
                      TextSimilarity(texts[static_cast<size_t>(match.text)], query), 1e-12);
        }
        ASSERT_EQ(actual, expected) << threshold << " " << query;
        found += static_cast<int64_t>(actual.size());
      }
    }
    EXPECT_GT(found, 200) << threshold;
  }
}

TEST(NearCopyIndexTest, HoldsNoTextsAtAll) {
  NearCopyIndex index({}, 0.8);
  EXPECT_TRUE(index.Find("anything").empty());
  EXPECT_TRUE(index.Find("").empty());
}

}  // namespace
}  // namespace shoal::data
