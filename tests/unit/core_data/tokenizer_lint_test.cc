#include "core/data/tokenizer/tokenizer_lint.h"

#include <cstdlib>

#include "core/base/strings.h"
#include "core/data/text_source.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/char_trainer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"

namespace shoal::data {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kText =
    "the lamp waits for the morning and the otter waits for the tide, 12 boats and 7 shells";

Tokenizer Complete() {
  BpeTrainer trainer({.vocab_size = 300});
  for (int i = 0; i < 3; ++i) trainer.AddText(kText);
  return *trainer.Train();
}

auto Fails(const char* what) {
  return Contains(AllOf(Field(&TokenizerFinding::fails, true),
                        Field(&TokenizerFinding::what, HasSubstr(what))));
}
auto Warns(const char* what) {
  return Contains(AllOf(Field(&TokenizerFinding::fails, false),
                        Field(&TokenizerFinding::what, HasSubstr(what))));
}

TEST(TokenizerLintTest, ACompleteVocabularyPasses) {
  const TokenizerLint lint = LintTokenizer(Complete(), {});
  EXPECT_TRUE(lint.passed());
  EXPECT_FALSE(lint.own_corpus);
  EXPECT_EQ(lint.vocabulary.symbols, 256);
  EXPECT_THAT(lint.vocabulary.lost_bytes, IsEmpty());
  EXPECT_EQ(lint.corpus.changed, 0);
  EXPECT_EQ(lint.corpus.cost.lost_bytes, 0);
  EXPECT_GT(lint.corpus.cost.words, 20);
}

TEST(TokenizerLintTest, CountsWhatACorpusUsesAndCosts) {
  const std::vector<std::string_view> corpus = {kText, "the tide"};
  const TokenizerLint lint = LintTokenizer(Complete(), corpus);
  EXPECT_EQ(lint.corpus.texts, 2);
  EXPECT_EQ(lint.corpus.cost.words, 20);
  EXPECT_EQ(lint.corpus.cost.bytes, static_cast<int64_t>(kText.size() + 8));
  EXPECT_EQ(lint.corpus.numbers.words, 2);
  EXPECT_EQ(lint.corpus.numbers.bytes, 3);
  EXPECT_EQ(lint.corpus.ordinary, 297);
  EXPECT_GT(lint.corpus.unseen, 200);
  EXPECT_EQ(lint.corpus.unseen_ids.size(), 20u);
  EXPECT_THAT(lint.findings, Warns("never occur in the corpus"));
  EXPECT_THAT(lint.findings, Warns("upper case costs"));
  EXPECT_TRUE(lint.passed());
}

TEST(TokenizerLintTest, BytesWithoutATokenFail) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer,
                       Tokenizer::Load(SourcePath("tests/golden/data/foreign_tokenizer.json")));
  const std::vector<std::string_view> corpus = {"the lamp", "HELLO, \xF0\x9F\xA6\xA6\xFF lamp"};
  const TokenizerLint lint = LintTokenizer(tokenizer, corpus);
  EXPECT_FALSE(lint.passed());
  EXPECT_THAT(lint.findings, Fails("of 256 bytes have no token"));
  EXPECT_THAT(lint.findings, Fails("capitals without a token: A B C"));
  EXPECT_THAT(lint.findings, Fails("of the corpus"));
  EXPECT_EQ(lint.corpus.lost_kinds, 6);  // H E L O, the otter and the broken byte
  EXPECT_EQ(lint.corpus.lost[0].text, "L");
  EXPECT_EQ(lint.corpus.lost[0].count, 2);
  EXPECT_EQ(lint.corpus.changed, 1);
  EXPECT_GT(lint.corpus.upper.lost_bytes, lint.corpus.cost.lost_bytes);
  EXPECT_THAT(lint.findings, Warns("upper case loses text"));
}

TEST(TokenizerLintTest, CharactersFailOnlyOnTheirCorpus) {
  CharTrainer trainer;
  trainer.AddText(kText);
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train());
  EXPECT_TRUE(LintTokenizer(tokenizer, {}).passed());
  EXPECT_THAT(LintTokenizer(tokenizer, {}).findings, Warns("capitals without a token"));
  const std::vector<std::string_view> known = {kText}, other = {"Zebra"};
  EXPECT_TRUE(LintTokenizer(tokenizer, known).passed());
  EXPECT_THAT(LintTokenizer(tokenizer, other).findings, Fails("of the corpus"));
}

TEST(TokenizerLintTest, AnUnknownTokenIsNotSilent) {
  ASSERT_OK_AND_ASSIGN(
      const Tokenizer tokenizer,
      Tokenizer::Load(SourcePath("tests/golden/data/tokenizers/wordpiece_uncased.json")));
  const std::vector<std::string_view> corpus = {"Hello \u2047\u2047 \U0001F9A6"};
  const TokenizerLint lint = LintTokenizer(tokenizer, corpus);
  EXPECT_TRUE(lint.passed());
  EXPECT_GT(lint.corpus.unknown_tokens, 0);
  EXPECT_THAT(lint.findings, Warns("bits per byte is not defined"));
  EXPECT_THAT(lint.findings, Warns("replaced by the unknown token"));
  EXPECT_THAT(lint.findings, Warns("no special token for <pad>, <|im_start|>, <|im_end|>"));
}

TEST(TokenizerLintTest, GuppysVocabulary) {
  const char* folder = std::getenv("SHOAL_DATA_DIR");
  if (folder == nullptr) {
    GTEST_SKIP() << "set SHOAL_DATA_DIR to a folder that holds guppy/, which is not part of Shoal";
  }
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer,
                       Tokenizer::Load(StrCat(folder, "/guppy/tokenizer.json")));
  ASSERT_OK_AND_ASSIGN(const Source source, ReadJsonl(StrCat(folder, "/guppy/train.jsonl")));
  std::vector<std::string_view> corpus;
  for (const Example& example : source.examples) corpus.push_back(example.text);
  const TokenizerLint lint = LintTokenizer(tokenizer, corpus);
  EXPECT_EQ(lint.vocabulary.entries, 2418);
  EXPECT_EQ(lint.vocabulary.merges, 2352);
  EXPECT_EQ(lint.vocabulary.symbols, 63);
  EXPECT_EQ(lint.vocabulary.lost_upper, "FGHILMQUVWXZ");
  EXPECT_THAT(lint.vocabulary.lost_punctuation,
              AllOf(HasSubstr(","), HasSubstr("!"), HasSubstr("?"), HasSubstr("\""),
                    Not(HasSubstr("(")), Not(HasSubstr("{"))));
  EXPECT_EQ(lint.corpus.cost.lost_bytes, 0);  // it was trained on this text
  EXPECT_FALSE(lint.passed());
}

}  // namespace
}  // namespace shoal::data
