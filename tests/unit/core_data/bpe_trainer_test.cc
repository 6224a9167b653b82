#include "core/data/tokenizer/bpe_trainer.h"

#include <algorithm>
#include <map>

#include "core/data/tokenizer/gpt2_splitter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// Textbook BPE: counts all pairs again before every merge. Small and slow; the oracle.
TokenizerParts NaiveTrain(const std::vector<std::string>& texts, const TokenizerParts& start,
                          int32_t vocab_size, int64_t min_frequency, int32_t max_token_bytes) {
  TokenizerParts parts = start;
  std::map<std::string, int32_t> ids;
  for (size_t id = 3; id < parts.tokens.size(); ++id) {
    ids[*parts.tokens[id]] = static_cast<int32_t>(id);
  }
  std::vector<std::vector<int32_t>> words;
  Gpt2Splitter splitter;
  for (const std::string& text : texts) {
    splitter.ForEach(text, [&](std::string_view word) {
      words.emplace_back();
      for (const char c : word) words.back().push_back(ids.at(std::string(1, c)));
    });
  }
  while (static_cast<int32_t>(parts.tokens.size()) < vocab_size) {
    std::map<std::pair<int32_t, int32_t>, int64_t> counts;
    for (const auto& word : words) {
      for (size_t i = 0; i + 1 < word.size(); ++i) ++counts[{word[i], word[i + 1]}];
    }
    std::pair<int32_t, int32_t> best;
    int64_t best_count = 0;
    for (const auto& [pair, count] : counts) {  // ascending ids: the first of equals wins
      const size_t bytes = parts.tokens[static_cast<size_t>(pair.first)]->size() +
                           parts.tokens[static_cast<size_t>(pair.second)]->size();
      if (count > best_count && bytes <= static_cast<size_t>(max_token_bytes)) {
        best = pair;
        best_count = count;
      }
    }
    if (best_count < min_frequency) break;
    const std::string bytes = *parts.tokens[static_cast<size_t>(best.first)] +
                              *parts.tokens[static_cast<size_t>(best.second)];
    const auto [it, added] = ids.emplace(bytes, static_cast<int32_t>(parts.tokens.size()));
    if (added) parts.tokens.emplace_back(bytes);
    if (std::find(parts.merges.begin(), parts.merges.end(), best) == parts.merges.end()) {
      parts.merges.push_back(best);
    }
    for (auto& word : words) {
      std::vector<int32_t> merged;
      for (size_t i = 0; i < word.size(); ++i) {
        if (i + 1 < word.size() && word[i] == best.first && word[i + 1] == best.second) {
          merged.push_back(it->second);
          ++i;
        } else {
          merged.push_back(word[i]);
        }
      }
      word = merged;
    }
  }
  return parts;
}

TEST(BpeTrainerTest, AgreesWithTextbookTraining) {
  const TokenizerParts start = BpeTrainer({.vocab_size = 259}).Train()->parts();
  Random random = TestRandom(10);
  for (int round = 0; round < 12; ++round) {
    std::vector<std::string> texts;
    for (int i = 0; i < 60; ++i) {
      std::string text;
      for (uint64_t n = random.Below(12); n > 0; --n) {
        // No runs of one letter: how "aaa" counts is a convention that the two do not share.
        static constexpr std::string_view kSyllables[] = {"ot", "ter", "la", "mp",
                                                          " ",  "s",   "ti", "de"};
        text += kSyllables[random.Below(std::size(kSyllables))];
      }
      texts.push_back(text);
    }
    const int32_t max_bytes = round % 3 == 0 ? 4 : 64;
    const TokenizerParts expected = NaiveTrain(texts, start, 320, 2, max_bytes);
    BpeTrainer trainer({.vocab_size = 320, .min_frequency = 2, .max_token_bytes = max_bytes});
    for (const std::string& text : texts) trainer.AddText(text);
    ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train());
    EXPECT_EQ(tokenizer.parts().merges, expected.merges) << round;
    EXPECT_EQ(tokenizer.parts().tokens, expected.tokens) << round;
  }
}

TEST(BpeTrainerTest, OrderOfTextsDoesNotMatter) {
  Random random = TestRandom(11);
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back(RandomText(random, 20));
  std::string first;
  for (int round = 0; round < 4; ++round) {
    BpeTrainer trainer({.vocab_size = 500});
    for (const std::string& text : texts) trainer.AddText(text);
    BpeTrainerReport report;
    ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train(&report));
    if (round == 0) first = tokenizer.ToJson();
    EXPECT_EQ(tokenizer.ToJson(), first);
    EXPECT_EQ(report.vocab_size, tokenizer.vocab_size());
    EXPECT_TRUE(tokenizer.MissingBytes().empty());
    for (const std::string& text : texts) EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text)), text);
    random.Shuffle(std::span(texts));
  }
}

TEST(BpeTrainerTest, MarkupIsNotLearned) {
  BpeTrainer trainer({.vocab_size = 600, .min_frequency = 1});
  for (int i = 0; i < 50; ++i) trainer.AddText("<|im_start|>user\nhi<|im_end|>\n");
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train());
  for (int32_t id = 3; id < tokenizer.vocab_size(); ++id) {
    EXPECT_EQ(tokenizer.TokenBytes(id).find("im_"), std::string_view::npos);
  }
}

TEST(BpeTrainerTest, StopsWhenNothingIsFrequent) {
  BpeTrainer trainer({.vocab_size = 5000, .min_frequency = 3});
  trainer.AddText("tide tide tide");
  BpeTrainerReport report;
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train(&report));
  EXPECT_EQ(tokenizer.vocab_size(),
            259 + 3);  // "ti", "tid", "tide" or the like; " tide" occurs twice
  EXPECT_EQ(report.words, 3);
  EXPECT_EQ(report.unique_words, 2);
}

TEST(BpeTrainerTest, NoTextAtAllIsTheByteVocabulary) {
  BpeTrainer trainer;
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, trainer.Train());
  EXPECT_EQ(tokenizer.vocab_size(), 259);
}

TEST(BpeTrainerTest, RefusesImpossibleOptions) {
  const auto error = [](BpeTrainerOptions options) { return BpeTrainer(options).Train().status(); };
  EXPECT_THAT(error({.vocab_size = 258}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("at least 259")));
  EXPECT_THAT(error({.min_frequency = 0}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("min_frequency (0)")));
  EXPECT_THAT(error({.special_tokens = {"<a>", "<a>"}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("occurs twice")));
  EXPECT_THAT(error({.special_tokens = {""}}), StatusIs(StatusCode::kInvalidArgument));
}

TEST(BpeTrainerTest, ThreadsDoNotChangeTheResult) {
  Random random = TestRandom(62);
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) texts.push_back(RandomText(random, 30));
  // One long text of lines, some of them where a cut would be wrong.
  std::string document;
  for (int i = 0; i < 60'000; ++i) document += RandomText(random, 6) + (i % 3 == 0 ? "\n" : "x\ny");
  texts.push_back(document);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  BpeTrainer one_by_one({.vocab_size = 500});
  for (const std::string_view text : views) one_by_one.AddText(text);
  BpeTrainerReport expected;
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, one_by_one.Train(&expected));
  for (const int threads : {1, 2, 7}) {
    BpeTrainer trainer({.vocab_size = 500, .threads = threads});
    trainer.AddTexts(views);
    BpeTrainerReport report;
    ASSERT_OK_AND_ASSIGN(const Tokenizer same, trainer.Train(&report));
    EXPECT_EQ(same.ToJson(), tokenizer.ToJson()) << threads;
    EXPECT_EQ(report.words, expected.words);
    EXPECT_EQ(report.unique_words, expected.unique_words);
    EXPECT_EQ(report.text_bytes, expected.text_bytes);
  }
}

}  // namespace
}  // namespace shoal::data
