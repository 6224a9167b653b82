// Ids and decoded texts against the Hugging Face library, for tokenizers in the styles of known
// models; the files come from tests/golden/scripts/make_tokenizer_styles.py.
#include <simdjson.h>

#include <cstdlib>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/strings.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/char_trainer.h"
#include "core/data/tokenizer/tokenizer_import.h"
#include "core/data/utf8.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {
namespace {

std::string StylePath(std::string_view name) {
  return SourcePath(StrCat("tests/golden/data/tokenizers/", name, ".json"));
}

// The text as the Hugging Face library gives it out: U+FFFD for what is not UTF-8.
std::string Valid(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Step step = NextUtf8(text);
    out += step.kind == Utf8Step::Kind::kComplete ? text.substr(0, step.bytes)
                                                  : std::string_view("\xEF\xBF\xBD");
    text.remove_prefix(step.bytes);
  }
  return out;
}

std::string DigestOf(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  const std::string listed = StrCat(StrJoin(ids, ","), "\n", Valid(tokenizer.Decode(ids)));
  return StrCat(ids.size(), ":", Sha256Of(listed).Hex().substr(0, 8));
}

void ExpectGoldenIds(const Tokenizer& tokenizer, const std::string& style) {
  simdjson::dom::parser corpus_parser, ids_parser;
  const simdjson::dom::element corpus = corpus_parser.load(StylePath("corpus"));
  const simdjson::dom::element golden = ids_parser.load(StylePath("ids"));
  const simdjson::dom::array expected = golden["ids"][style].get_array();
  Encoder encoder(tokenizer);
  size_t index = 0;
  for (const simdjson::dom::element item : corpus.get_array()) {
    const std::string_view text = item.get_string();
    const std::string_view wanted = expected.at(index++).get_string();
    std::vector<int32_t> ids;
    encoder.Append(text, ids);
    EXPECT_EQ(DigestOf(tokenizer, ids), wanted)
        << style << ", text " << index - 1 << ": " << testing::PrintToString(text);
  }
  EXPECT_GT(index, 250u);
  EXPECT_EQ(index, expected.size());
}

class StyleTest : public testing::TestWithParam<std::string> {};

TEST_P(StyleTest, IdsAndTextsEqualTheLibrarys) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Tokenizer::Load(StylePath(GetParam())));
  ExpectGoldenIds(tokenizer, GetParam());
}

TEST_P(StyleTest, TheCanonicalFileMeansTheSame) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer original, Tokenizer::Load(StylePath(GetParam())));
  ASSERT_OK_AND_ASSIGN(const Tokenizer again, Tokenizer::FromJson(original.ToJson()));
  EXPECT_EQ(again.ToJson(), original.ToJson());
  ExpectGoldenIds(again, GetParam());
}

TEST_P(StyleTest, AnyBytesEncodeAndStreamAsTheyDecode) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Tokenizer::Load(StylePath(GetParam())));
  Random random = TestRandom(40);
  for (int i = 0; i < 300; ++i) {
    const std::string text = i % 2 == 0 ? RandomBytes(random, 60) : RandomText(random, 20);
    const std::vector<int32_t> ids = tokenizer.Encode(text);
    for (const int32_t id : tokenizer.EncodeOrdinary(text)) {
      EXPECT_TRUE(!tokenizer.IsSpecial(id) || tokenizer.IsUnknown(id)) << id;
    }
    StreamDecoder decoder(tokenizer, /*skip_special=*/false);
    std::string streamed;
    for (const int32_t id : ids) streamed += decoder.Push(id);
    EXPECT_EQ(streamed + decoder.Finish(), Valid(tokenizer.Decode(ids)));
  }
}

TEST_P(StyleTest, WhatCountsBytesGivesTextBack) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Tokenizer::Load(StylePath(GetParam())));
  const std::vector<uint32_t> counts = tokenizer.TokenByteCounts();
  const bool any = std::any_of(counts.begin(), counts.end(), [](uint32_t n) { return n > 0; });
  EXPECT_EQ(any, tokenizer.CountsBytes());
  // Everything here but broken UTF-8 in the way of NFC keeps its bytes.
  if (!tokenizer.CountsBytes() || !tokenizer.parts().normalizers.empty()) return;
  const bool prefix = tokenizer.parts().pretokenizers.size() == 1 &&
                      tokenizer.parts().pretokenizers[0].add_prefix_space;
  Random random = TestRandom(41);
  for (int i = 0; i < 300; ++i) {
    const std::string text = RandomBytes(random, 60);
    EncodeStats stats;
    const std::vector<int32_t> ids = tokenizer.EncodeOrdinary(text, &stats);
    const std::string back = tokenizer.Decode(ids);
    const std::string wanted = prefix && !text.empty() && text[0] != ' ' ? " " + text : text;
    if (stats.dropped_bytes == 0) {
      EXPECT_EQ(back, wanted);
    }
    uint64_t bytes = 0;
    for (const int32_t id : ids) bytes += counts[static_cast<size_t>(id)];
    EXPECT_EQ(bytes + static_cast<uint64_t>(stats.dropped_bytes), wanted.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Styles, StyleTest,
                         testing::Values("llama3", "qwen2", "o200k", "gpt_neox", "smollm",
                                         "minimind", "deepseek", "roberta", "normalized", "accents",
                                         "characters", "wordpiece_uncased", "wordpiece_cased",
                                         "shoal_char"),
                         [](const auto& style) { return style.param; });

TEST(TokenizerStylesTest, OurOwnTokenizersInTheLibrary) {
  ASSERT_OK_AND_ASSIGN(
      const std::string text,
      RealFileSystem().ReadFile(SourcePath("tests/golden/data/tokenizer_corpus.txt")));
  CharTrainer chars;
  chars.AddText(text);
  ASSERT_OK_AND_ASSIGN(const Tokenizer characters, chars.Train());
  // The library read exactly these bytes.
  EXPECT_EQ(characters.ToJson(), *RealFileSystem().ReadFile(StylePath("shoal_char")));
  BpeTrainer trainer({.vocab_size = 500});
  for (const std::string_view line : StrSplit(text, '\n')) trainer.AddText(line);
  ASSERT_OK_AND_ASSIGN(const Tokenizer bpe, trainer.Train());
  ExpectGoldenIds(bpe, "shoal_bpe");
}

// Vocabularies that are not part of Shoal.
class PublishedTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("SHOAL_DATA_DIR") == nullptr) {
      GTEST_SKIP()
          << "set SHOAL_DATA_DIR to a folder that holds vocab/encoder.json, vocab.bpe, "
             "bert-uncased-vocab.txt and guppy/tokenizer.json, which are not part of Shoal";
    }
    folder_ = std::getenv("SHOAL_DATA_DIR");
  }
  void Expect(const std::string& file, const std::string& style, int32_t size) {
    ASSERT_OK_AND_ASSIGN(const TokenizerFiles files, FindTokenizerFiles(JoinPath(folder_, file)));
    ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, ImportTokenizer(files));
    EXPECT_EQ(tokenizer.vocab_size(), size);
    ExpectGoldenIds(tokenizer, style);
    ASSERT_OK_AND_ASSIGN(const Tokenizer again, Tokenizer::FromJson(tokenizer.ToJson()));
    ExpectGoldenIds(again, style);
  }
  std::string folder_;
};

TEST_F(PublishedTest, Gpt2) { Expect("vocab/encoder.json", "gpt2", 50257); }
TEST_F(PublishedTest, BertUncased) { Expect("vocab/bert-uncased-vocab.txt", "bert", 30522); }
TEST_F(PublishedTest, Guppy) { Expect("guppy/tokenizer.json", "guppy", 2418); }

TEST_F(PublishedTest, ShakespeareHasSixtyFiveCharacters) {
  ASSERT_OK_AND_ASSIGN(const std::string text,
                       RealFileSystem().ReadFile(JoinPath(folder_, "text/tinyshakespeare.txt")));
  CharTrainer trainer;
  trainer.AddText(text);
  CharTrainerReport report;
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train(&report));
  EXPECT_EQ(report.characters, 65);
  EXPECT_EQ(tokenizer.vocab_size(), 68);
  // nanoGPT's ids, behind the three special tokens: "\n" is 0, "z" is 64.
  EXPECT_EQ(tokenizer.Encode("\nz"), (std::vector<int32_t>{3, 67}));
  EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text)), text);
}

}  // namespace
}  // namespace shoal::data
