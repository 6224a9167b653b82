// Ids against the Hugging Face library; the files come from tests/golden/scripts.
#include <simdjson.h>

#include <cstdlib>

#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::data {
namespace {

std::string Golden(std::string_view name) { return SourcePath(StrCat("tests/golden/data/", name)); }

void ExpectGoldenIds(const Tokenizer& tokenizer, const char* section) {
  ASSERT_OK_AND_ASSIGN(const std::string json,
                       RealFileSystem().ReadFile(Golden("tokenizer_golden.json")));
  simdjson::dom::parser parser;
  const simdjson::dom::element document = parser.parse(json);
  int cases = 0;
  for (const simdjson::dom::element item : document[section].get_array()) {
    const std::string_view text = item.at(0).get_string();
    std::vector<int32_t> expected;
    for (const simdjson::dom::element id : item.at(1).get_array()) {
      expected.push_back(static_cast<int32_t>(int64_t(id)));
    }
    EXPECT_EQ(tokenizer.Encode(text), expected) << testing::PrintToString(text);
    ++cases;
  }
  EXPECT_GT(cases, 200);
}

TEST(TokenizerGoldenTest, ForeignVocabulary) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer,
                       Tokenizer::Load(Golden("foreign_tokenizer.json")));
  EXPECT_FALSE(tokenizer.MissingBytes().empty());
  ExpectGoldenIds(tokenizer, "foreign");
}

TEST(TokenizerGoldenTest, CompleteVocabulary) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer,
                       Tokenizer::Load(Golden("complete_tokenizer.json")));
  EXPECT_TRUE(tokenizer.MissingBytes().empty());
  ExpectGoldenIds(tokenizer, "complete");
}

TEST(TokenizerGoldenTest, OurTrainerLearnsTheSameMerges) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer theirs, Tokenizer::Load(Golden("complete_tokenizer.json")));
  ASSERT_OK_AND_ASSIGN(const std::string corpus,
                       RealFileSystem().ReadFile(Golden("tokenizer_corpus.txt")));
  BpeTrainer trainer({.vocab_size = 500});
  for (const std::string_view line : StrSplit(corpus, '\n')) trainer.AddText(line);
  ASSERT_OK_AND_ASSIGN(const Tokenizer ours, trainer.Train());
  EXPECT_EQ(ours.parts().merges, theirs.parts().merges);
  EXPECT_EQ(ours.parts().tokens, theirs.parts().tokens);
  EXPECT_EQ(ours.ToJson(), theirs.ToJson());
}

TEST(TokenizerGoldenTest, GuppyShippedTokenizer) {
  const char* folder = std::getenv("SHOAL_DATA_DIR");
  if (folder == nullptr) {
    GTEST_SKIP() << "set SHOAL_DATA_DIR to a folder that holds guppy/tokenizer.json, which is not "
                    "part of Shoal";
  }
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer,
                       Tokenizer::Load(StrCat(folder, "/guppy/tokenizer.json")));
  EXPECT_EQ(tokenizer.vocab_size(), 2418);
  EXPECT_EQ(tokenizer.parts().merges.size(), 2352u);
  ExpectGoldenIds(tokenizer, "guppy");
}

}  // namespace
}  // namespace shoal::data
