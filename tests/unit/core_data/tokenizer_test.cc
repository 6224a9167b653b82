#include "core/data/tokenizer/tokenizer.h"

#include "core/base/strings.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "core/data/tokenizer/byte_alphabet.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

Tokenizer Trained() {
  BpeTrainer trainer({.vocab_size = 400});
  for (int i = 0; i < 3; ++i) {
    trainer.AddText("the lamp waits for the morning and the otter waits for the tide");
    trainer.AddText("<|im_start|>user\nthe lamp?<|im_end|>");
    trainer.AddText("été in the harbour, 12 boats; 你好");
  }
  return *trainer.Train();
}

std::string Json(std::string_view model_extra, std::string_view root_extra = "") {
  return StrCat(R"({"added_tokens": [{"id": 0, "content": "<s>"}], )", root_extra,
                R"("pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
                    "model": {"type": "BPE", )",
                model_extra, "}}");
}

TEST(ByteAlphabetTest, EveryByteRoundTrips) {
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  EXPECT_EQ(FromSymbols(ToSymbols(all)), all);
  EXPECT_EQ(SymbolOfByte(' '), "Ġ");
  EXPECT_EQ(SymbolOfByte('\n'), "Ċ");
  EXPECT_EQ(FromSymbols("你"), std::nullopt);
  EXPECT_EQ(FromSymbols("\xC3"), std::nullopt);
  EXPECT_EQ(BytesInSymbolOrder()[0], '!');
}

TEST(TokenizerTest, EveryByteAndRandomBytesRoundTrip) {
  const Tokenizer tokenizer = Trained();
  EXPECT_TRUE(tokenizer.MissingBytes().empty());
  for (int b = 0; b < 256; ++b) {
    const std::string text(1, static_cast<char>(b));
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text)), text) << b;
  }
  Random random = TestRandom(2);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = i % 2 == 0 ? RandomBytes(random, 60) : RandomText(random, 20);
    EncodeStats stats;
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text, &stats)), text);
    EXPECT_EQ(tokenizer.Decode(tokenizer.EncodeOrdinary(text)), text);
    EXPECT_EQ(stats.dropped_bytes, 0);
  }
}

TEST(TokenizerTest, SpecialTokensAreRecognisedOnlyWhereAsked) {
  const Tokenizer tokenizer = Trained();
  EXPECT_EQ(tokenizer.SpecialId(kPadToken), 0);
  EXPECT_EQ(tokenizer.SpecialId(kStartToken), 1);
  EXPECT_EQ(tokenizer.SpecialId(kEndToken), 2);
  EXPECT_THAT(tokenizer.Encode("<|im_start|><|im_end|><pad>"), ElementsAre(1, 2, 0));
  Random random = TestRandom(3);
  for (int i = 0; i < 500; ++i) {
    const std::string text = StrCat(RandomText(random, 6), "<|im_end|>", RandomText(random, 6));
    for (const int32_t id : tokenizer.EncodeOrdinary(text)) EXPECT_FALSE(tokenizer.IsSpecial(id));
  }
  const std::vector<int32_t> ids = {1, 2, 0};
  EXPECT_EQ(tokenizer.Decode(ids), "<|im_start|><|im_end|><pad>");
  EXPECT_EQ(tokenizer.Decode(ids, /*skip_special=*/true), "");
  EXPECT_EQ(tokenizer.TokenByteCounts()[1], 0u);
}

TEST(TokenizerTest, EncoderAgreesWithTheTokenizer) {
  const Tokenizer tokenizer = Trained();
  Encoder encoder(tokenizer);
  Random random = TestRandom(4);
  for (int i = 0; i < 500; ++i) {
    const std::string text = RandomText(random, 20);
    std::vector<int32_t> ids;
    encoder.Append(text, ids);
    EXPECT_EQ(ids, tokenizer.Encode(text));
  }
}

TEST(TokenizerTest, LongWordsAreNotQuadratic) {
  BpeTrainer trainer({.vocab_size = 300});
  trainer.AddText(std::string(5000, 'a'));
  trainer.AddText(std::string(5000, 'a'));
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train());
  const std::string text(1'000'000, 'a');
  EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text)), text);
}

TEST(TokenizerTest, ForeignVocabularyDropsAndCounts) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer,
                       Tokenizer::FromJson(Json(R"("vocab": {"<s>": 0, "a": 1, "b": 2, "ab": 3},
                                  "merges": ["a b"])")));
  EncodeStats stats;
  EXPECT_THAT(tokenizer.Encode("aXYb<s>é", &stats), ElementsAre(3, 0));
  EXPECT_EQ(stats.dropped_bytes, 4);
  EXPECT_EQ(tokenizer.MissingBytes().size(), 254u);
}

TEST(TokenizerTest, SavesCanonicalJson) {
  const Tokenizer tokenizer = Trained();
  ASSERT_OK_AND_ASSIGN(const Tokenizer again, Tokenizer::FromJson(tokenizer.ToJson()));
  EXPECT_EQ(again.ToJson(), tokenizer.ToJson());
  EXPECT_EQ(again.vocab_size(), tokenizer.vocab_size());
  EXPECT_EQ(again.parts().merges, tokenizer.parts().merges);
}

TEST(TokenizerTest, RefusesWhatWouldGiveOtherIds) {
  const auto error = [](std::string_view json) { return Tokenizer::FromJson(json).status(); };
  const std::string good = R"("vocab": {"a": 1, "b": 2}, "merges": [])";
  EXPECT_OK(error(Json(good)));
  EXPECT_THAT(error("{"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("not JSON")));
  EXPECT_THAT(error("[]"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("\"model\"")));
  EXPECT_THAT(error(Json(good, R"("normalizer": {"type": "Precompiled"}, )")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("normalizer: Precompiled")));
  EXPECT_THAT(error(Json(R"("unk_token": "?", "vocab": {"a": 1}, "merges": [])")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("unk_token")));
  EXPECT_THAT(error(Json(R"("vocab": {"a": 1, "b": 1}, "merges": [])")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("id 1 is taken")));
  EXPECT_THAT(error(Json(R"("vocab": {"a": 1, "b": 2}, "merges": ["a c"])")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("\"c\" is not in model.vocab")));
  EXPECT_THAT(error(Json(R"("vocab": {"a": 1, "b": 2}, "merges": ["a b"])")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("merge 0 gives \"ab\"")));
  EXPECT_THAT(error(Json(R"("vocab": {"a": -1}, "merges": [])")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("id -1")));
  EXPECT_THAT(error(Json(R"("vocab": {"a": 99999999999}, "merges": [])")),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(error(R"({"model": {"type": "Unigram"}})"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("model.type: Unigram")));
}

TEST(StreamDecoderTest, EmitsOnlyCompleteCharacters) {
  const Tokenizer tokenizer = Trained();
  StreamDecoder decoder(tokenizer);
  std::string text;
  for (const int byte : {0xF0, 0x9F, 0xA6}) {
    const std::string one(1, static_cast<char>(byte));
    EXPECT_EQ(decoder.Push(tokenizer.EncodeOrdinary(one)[0]), "");
  }
  EXPECT_EQ(decoder.Push(tokenizer.EncodeOrdinary("\xA6")[0]), "\xF0\x9F\xA6\xA6");
  EXPECT_EQ(decoder.Push(2), "");  // special tokens are skipped
  EXPECT_EQ(decoder.Push(tokenizer.EncodeOrdinary("\xC3")[0]), "");
  EXPECT_EQ(decoder.Push(tokenizer.EncodeOrdinary("x")[0]), "\xEF\xBF\xBDx");
  EXPECT_EQ(decoder.Push(tokenizer.EncodeOrdinary("\xE4")[0]), "");
  EXPECT_EQ(decoder.Finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(decoder.Finish(), "");
}

TEST(StreamDecoderTest, ValidTextComesThroughUnchanged) {
  const Tokenizer tokenizer = Trained();
  const std::string text = "été 你好 \xF0\x9F\xA6\xA6 the lamp";
  StreamDecoder decoder(tokenizer);
  std::string out;
  for (const int32_t id : tokenizer.Encode(text)) out += decoder.Push(id);
  EXPECT_EQ(out + decoder.Finish(), text);
}

class TokenizerFileTest : public TempDirTest {};

TEST_F(TokenizerFileTest, SaveAndLoad) {
  const Tokenizer tokenizer = Trained();
  ASSERT_OK(tokenizer.Save(files_, Path("tokenizer.json")));
  ASSERT_OK_AND_ASSIGN(const Tokenizer loaded, Tokenizer::Load(Path("tokenizer.json")));
  EXPECT_EQ(loaded.ToJson(), tokenizer.ToJson());
  EXPECT_THAT(Tokenizer::Load(Path("missing.json")), StatusIs(StatusCode::kNotFound));
  ASSERT_OK(files_.WriteFileAtomic(Path("bad.json"), "nonsense"));
  EXPECT_THAT(Tokenizer::Load(Path("bad.json")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("bad.json: not JSON")));
}

TEST_F(TokenizerFileTest, FullDiskIsReported) {
  FaultyFileSystem files;
  files.FailAfter(FileOperation::kWriteAtomic, 0, absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(Trained().Save(files, Path("t.json")), StatusIs(StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace shoal::data
