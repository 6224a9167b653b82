#include "core/data/tokenizer/char_trainer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

Tokenizer Trained(std::string_view text) {
  CharTrainer trainer;
  trainer.AddText(text);
  return *trainer.Train();
}

TEST(CharTrainerTest, OneTokenPerCharacterInTheOrderOfCodePoints) {
  CharTrainer trainer;
  trainer.AddText("ba<|im_end|>né\n");
  trainer.AddText("\xFF\xF0\x9F\xA6\xA6");
  CharTrainerReport report;
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train(&report));
  EXPECT_EQ(report.characters, 6);
  EXPECT_EQ(report.vocab_size, 9);
  EXPECT_EQ(report.invalid_utf8_bytes, 1);
  EXPECT_THAT(tokenizer.Encode("\nabn\xC3\xA9\xF0\x9F\xA6\xA6<pad>"),
              ElementsAre(3, 4, 5, 6, 7, 8, 0));
  EXPECT_EQ(tokenizer.parts().kind, ModelKind::kCharBpe);
}

TEST(CharTrainerTest, UnknownCharactersAreDroppedAndCounted) {
  const Tokenizer tokenizer = Trained("abc ");
  EncodeStats stats;
  EXPECT_EQ(tokenizer.Decode(tokenizer.Encode("a\xC3\xA9"
                                              "b\xFF"
                                              "cX",
                                              &stats)),
            "abc");
  EXPECT_EQ(stats.dropped_bytes, 4);
  EXPECT_EQ(tokenizer.MissingBytes().size(), 252u);
  EXPECT_TRUE(tokenizer.CountsBytes());
}

TEST(CharTrainerTest, TheTextItSawComesBack) {
  Random random = TestRandom(60);
  for (int i = 0; i < 200; ++i) {
    const std::string text = RandomText(random, 30);
    CharTrainer trainer;
    trainer.AddText(text);
    CharTrainerReport report;
    const absl::StatusOr<Tokenizer> tokenizer = trainer.Train(&report);
    if (!tokenizer.ok()) continue;
    EncodeStats stats;
    const std::string back = tokenizer->Decode(tokenizer->Encode(text, &stats));
    EXPECT_EQ(stats.dropped_bytes, report.invalid_utf8_bytes);
    if (report.invalid_utf8_bytes == 0) {
      EXPECT_EQ(back, text);
    }
    ASSERT_OK_AND_ASSIGN(const Tokenizer again, Tokenizer::FromJson(tokenizer->ToJson()));
    EXPECT_EQ(again.Encode(text), tokenizer->Encode(text));
  }
}

TEST(CharTrainerTest, Errors) {
  EXPECT_THAT(CharTrainer().Train().status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("no characters")));
  CharTrainer trainer({"x"});
  trainer.AddText("abc");
  EXPECT_THAT(trainer.Train().status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("longer than one byte")));
}

}  // namespace
}  // namespace shoal::data
