#include "core/data/tokenizer/tokenizer_import.h"

#include "core/base/strings.h"
#include "core/data/tokenizer/char_trainer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class TokenizerImportTest : public TempDirTest {
 protected:
  void Put(const std::string& name, std::string_view text) {
    ASSERT_OK(files_.WriteFileAtomic(Path(name), text));
  }
  absl::StatusOr<Tokenizer> Import(const std::string& name, const std::string& merges = "") {
    SHOAL_ASSIGN_OR_RETURN(const TokenizerFiles found,
                           FindTokenizerFiles(Path(name), merges.empty() ? merges : Path(merges)));
    return ImportTokenizer(found);
  }
};

constexpr std::string_view kEncoder =
    R"({"a": 0, "b": 1, "\u0120": 2, "ab": 3, "\u0120ab": 4, "<|endoftext|>": 5})";
constexpr std::string_view kMerges = "#version: 0.2\na b\n\u0120 ab\n";

TEST_F(TokenizerImportTest, Gpt2) {
  Put("encoder.json", kEncoder);
  EXPECT_THAT(Import("encoder.json").status(),
              StatusIs(StatusCode::kNotFound, HasSubstr("vocab.bpe")));
  Put("vocab.bpe", kMerges);
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Import("encoder.json"));
  EXPECT_THAT(tokenizer.Encode("ab ab<|endoftext|>"), ElementsAre(3, 4, 5));
  EXPECT_TRUE(tokenizer.IsSpecial(5));
  Put("elsewhere.txt", StrCat(kMerges, "\n"));
  ASSERT_OK_AND_ASSIGN(const Tokenizer same, Import("encoder.json", "elsewhere.txt"));
  EXPECT_EQ(same.ToJson(), tokenizer.ToJson());
  ASSERT_OK_AND_ASSIGN(const Tokenizer folder, Import(""));
  EXPECT_EQ(folder.ToJson(), tokenizer.ToJson());
}

TEST_F(TokenizerImportTest, Gpt2MistakesNameTheirLine) {
  Put("encoder.json", kEncoder);
  Put("vocab.bpe", "#version: 0.2\na b\nab\n");
  EXPECT_THAT(Import("encoder.json").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("vocab.bpe:3: expected two")));
  Put("vocab.bpe", "a c\n");
  EXPECT_THAT(Import("encoder.json").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr(":1: \"c\" is not in")));
  Put("encoder.json", R"({"a": 0, "b": 0})");
  EXPECT_THAT(Import("encoder.json").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("occurs twice")));
  Put("encoder.json", R"({"a": 0, "b": "x"})");
  EXPECT_THAT(Import("encoder.json").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("\"b\": expected an id")));
}

TEST_F(TokenizerImportTest, WordPiece) {
  Put("vocab.txt", "[PAD]\n[UNK]\nplay\n##ing\nthe \nplay\n\n");
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Import("vocab.txt"));
  EXPECT_EQ(tokenizer.vocab_size(), 7);
  // Of equal entries the last one counts.
  EXPECT_THAT(tokenizer.Encode("Playing THE x[PAD]"), ElementsAre(5, 3, 4, 1, 0));
  Put("cased.txt", "[UNK]\nPlay\n");
  EXPECT_THAT(Import("cased.txt").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("cased.txt:2: \"Play\" has upper")));
  Put("text.txt", "once upon a time\n");
  EXPECT_THAT(Import("text.txt").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no entry [UNK]")));
  Put("broken.txt", "[UNK]\n\xFF\n");
  EXPECT_THAT(Import("broken.txt").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not UTF-8")));
}

TEST_F(TokenizerImportTest, NeitherForm) {
  EXPECT_THAT(Import("missing.json").status(),
              StatusIs(StatusCode::kNotFound, HasSubstr("no such file")));
  ASSERT_OK(files_.MakeDirs(Path("empty")));
  EXPECT_THAT(Import("empty").status(), StatusIs(StatusCode::kNotFound, HasSubstr("the folder")));
  Put("tokenizer.json", "[1]");
  EXPECT_THAT(Import("tokenizer.json").status(), StatusIs(StatusCode::kInvalidArgument));
  Put("m.txt", "a b\n");
  EXPECT_THAT(Import("tokenizer.json", "m.txt").status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("cannot belong to it")));
}

TEST_F(TokenizerImportTest, AnyBytesGiveATokenizerOrAnError) {
  Random random = TestRandom(61);
  Put("vocab.bpe", kMerges);
  for (int i = 0; i < 300; ++i) {
    Put("vocab.txt", StrCat("[UNK]\n", RandomText(random, 20), "\n", RandomText(random, 5)));
    if (const absl::StatusOr<Tokenizer> words = Import("vocab.txt"); words.ok()) {
      words->Encode(RandomText(random, 20));
      EXPECT_OK(Tokenizer::FromJson(words->ToJson()).status());
    }
    std::string encoder(kEncoder);
    encoder[random.Below(encoder.size())] = static_cast<char>(random.Below(256));
    Put("encoder.json", encoder);
    const absl::StatusOr<Tokenizer> tokenizer = Import("encoder.json");
    EXPECT_EQ(tokenizer.ok(), tokenizer.status().message().empty());
  }
}

TEST_F(TokenizerImportTest, ChatTokens) {
  Put("encoder.json", kEncoder);
  Put("vocab.bpe", kMerges);
  ASSERT_OK_AND_ASSIGN(const Tokenizer plain, Import("encoder.json"));
  ASSERT_OK_AND_ASSIGN(const Tokenizer chat, WithChatTokens(plain));
  EXPECT_EQ(chat.vocab_size(), 9);
  EXPECT_THAT(chat.Encode("<|im_start|>ab<|im_end|><pad>"), ElementsAre(7, 3, 8, 6));
  ASSERT_OK_AND_ASSIGN(const Tokenizer again, WithChatTokens(chat));
  EXPECT_EQ(again.ToJson(), chat.ToJson());
  ASSERT_OK_AND_ASSIGN(const Tokenizer read, Tokenizer::FromJson(chat.ToJson()));
  EXPECT_EQ(read.ToJson(), chat.ToJson());
}

}  // namespace
}  // namespace shoal::data
