// The stages of a tokenizer one by one: what the golden files do not tell apart, and what is
// refused.
#include "core/base/strings.h"
#include "core/data/tokenizer/added_tokens.h"
#include "core/data/tokenizer/normalizer.h"
#include "core/data/tokenizer/oniguruma.h"
#include "core/data/tokenizer/pattern.h"
#include "core/data/tokenizer/pretokenizer.h"
#include "core/data/tokenizer/tokenizer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;
using Behavior = PretokenizerStep::Behavior;
using Step = PretokenizerStep::Kind;

std::string Normalized(NormalizerStep step, std::string_view text) {
  PatternScratch scratch;
  return Normalizer::Create({std::move(step)})->Apply(text, scratch);
}

TEST(NormalizerTest, BrokenBytesPassAndSeparate) {
  EXPECT_EQ(Normalized({.kind = NormalizerStep::Kind::kNfc}, "e\xFF\xCC\x81 e\xCC\x81"),
            "e\xFF\xCC\x81 é");
  EXPECT_EQ(Normalized({.kind = NormalizerStep::Kind::kLowercase}, "A\xC3\xC9Z"), "a\xC3\xC9z");
  EXPECT_EQ(Normalized({.kind = NormalizerStep::Kind::kBert}, "A\xC3 \xFFÉ\tx\x01"), "a e x");
  EXPECT_EQ(Normalized({.kind = NormalizerStep::Kind::kStrip}, " \xFF \n"), "\xFF");
}

TEST(NormalizerTest, StepsFollowOneAnother) {
  std::vector<NormalizerStep> steps(3);
  steps[0] = {.kind = NormalizerStep::Kind::kPrepend, .pattern = {}, .text = "_"};
  steps[1] = {.kind = NormalizerStep::Kind::kReplace, .pattern = {"a", false}, .text = "bb"};
  steps[2] = {.kind = NormalizerStep::Kind::kReplace, .pattern = {"b+", true}, .text = "."};
  ASSERT_OK_AND_ASSIGN(const Normalizer normalizer, Normalizer::Create(steps));
  PatternScratch scratch;
  EXPECT_EQ(normalizer.Apply("xaay", scratch), "_x.y");
  EXPECT_EQ(normalizer.Apply("", scratch), "");
}

std::vector<std::string> Cut(std::vector<PretokenizerStep> steps, std::string_view text) {
  const Pretokenizer pretokenizer = *Pretokenizer::Create(steps);
  PretokenizerScratch scratch;
  std::vector<std::string> words;
  pretokenizer.ForEach(text, scratch, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

PretokenizerStep SplitAt(std::string regex, Behavior behavior, bool invert = false) {
  return {.kind = Step::kSplit,
          .pattern = {std::move(regex), true},
          .behavior = behavior,
          .invert = invert};
}

TEST(PretokenizerTest, Behaviors) {
  EXPECT_THAT(Cut({SplitAt("-", Behavior::kIsolated)}, "a--b-"),
              ElementsAre("a", "-", "-", "b", "-"));
  EXPECT_THAT(Cut({SplitAt("-", Behavior::kRemoved)}, "a--b-"), ElementsAre("a", "b"));
  EXPECT_THAT(Cut({SplitAt("-", Behavior::kContiguous)}, "-a--b"),
              ElementsAre("-", "a", "--", "b"));
  EXPECT_THAT(Cut({SplitAt("-", Behavior::kMergedWithPrevious)}, "-a--b"),
              ElementsAre("-", "a-", "-", "b"));
  EXPECT_THAT(Cut({SplitAt("-", Behavior::kMergedWithNext)}, "a--b-"),
              ElementsAre("a", "-", "-b", "-"));
  EXPECT_THAT(Cut({SplitAt("[a-z]+", Behavior::kRemoved, true)}, "ab 1 cd"),
              ElementsAre("ab", "cd"));
}

TEST(PretokenizerTest, BrokenBytesNeverMatch) {
  EXPECT_THAT(Cut({SplitAt(".", Behavior::kRemoved)}, "ab\xFFz"), ElementsAre("\xFF"));
  EXPECT_THAT(Cut({{.kind = Step::kBert}}, "a\xFF, \xC3"), ElementsAre("a\xFF", ",", "\xC3"));
  PretokenizerStep digits{.kind = Step::kDigits};
  digits.individual_digits = true;
  EXPECT_THAT(Cut({digits, {}}, "a12\xFF"), ElementsAre("a", "1", "2", "\xFF"));
}

TEST(PretokenizerTest, NothingFollowsByteLevel) {
  EXPECT_THAT(Pretokenizer::Create({{}, SplitAt("a", Behavior::kIsolated)}).status(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("after ByteLevel")));
}

std::string Found(std::vector<AddedToken> tokens, std::string_view text, bool special = true) {
  std::vector<std::string> contents;
  for (const AddedToken& token : tokens) contents.push_back(token.content);
  const AddedTokens added(std::move(tokens), std::move(contents));
  std::string out;
  added.ForEach(
      text, special, [&](std::string_view stretch) { StrAppend(out, "(", stretch, ")"); },
      [&](int32_t id) { StrAppend(out, id); });
  return out;
}

TEST(AddedTokensTest, Rules) {
  EXPECT_EQ(Found({{1, "ab"}, {2, "abc"}, {3, "b"}}, "xabcab b"), "(x)21( )3");
  AddedToken strip{4, "<m>"};
  strip.lstrip = strip.rstrip = true;
  EXPECT_EQ(Found({strip}, "a \n<m>\u00a0 b<m>"), "(a)4(b)4");
  AddedToken word{5, "at"};
  word.single_word = true;
  EXPECT_EQ(Found({word}, "at cat at_ \u00e9at at\u00e9 -at-"), "5( cat at_ éat até -)5(-)");
  EXPECT_EQ(Found({{1, "<s>"}, {2, "s"}}, "<s>s"), "12");
  AddedToken plain{2, "s"};
  plain.special = false;
  EXPECT_EQ(Found({{1, "<s>"}, plain}, "<s>s", /*special=*/false), "(<s>)2");
}

TEST(OnigurumaTest, KnownExpressionsCompile) {
  for (
      const char* regex :
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)",
       R"([^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)",
       "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
       R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)", R"(\d{1,3}(?=(?:\d{3})*\b)?)",
       R"(\p{Han}+|\w+|[^\w\s]+|\h|\u00e9|\x{1F600})", R"((?i)[a-z]+)"}) {
    const absl::StatusOr<Pattern> pattern = Pattern::Compile({regex, true});
    if (std::string_view(regex).find("\\b") != std::string_view::npos) {
      EXPECT_THAT(pattern.status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("\\b")));
    } else {
      EXPECT_OK(pattern.status()) << regex;
    }
  }
}

TEST(OnigurumaTest, RefusesWhatPcreReadsDifferently) {
  const std::pair<const char*, const char*> cases[] = {
      {"[a[bc]]", "class within a class"},
      {"[a-z&&[^b]]", "&&"},
      {"a$", "$"},
      {R"((a)\1)", "\\1"},
      {R"(\p{Greek})", "\\p{Greek}"},
      {R"(\p{C}+)", "\\p{C}"},
      {R"([^\P{L}])", "negated property within a class"},
      {"(?x:a b)", "the group"},
      {"(?<name>a)", "the group"},
      {"a(?i)b", "(?i)"},
      {"(?i:ss)", "\"ss\""},
      {"(?i:\u00df)", "beyond ASCII"},
      {R"((?i:\p{Lu}))", "within (?i)"},
      {"a{2}+", "a sign after a repetition"},
      {"{x}", "begins no repetition"},
      {R"([\s-z])", "a range that begins or ends"},
      {R"(\xFF)", "beyond ASCII"},
      {"[abc", "[ without ]"},
      {"(a", "malformed"},
      {"a*", "matches the empty text"},
      {"", "empty"},
  };
  for (const auto& [regex, what] : cases) {
    EXPECT_THAT(Pattern::Compile({regex, true}).status(),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(what)))
        << regex;
  }
}

TEST(OnigurumaTest, CharactersOfUnicodeSixteen) {
  PatternScratch scratch;
  const auto matches = [&](const char* regex, std::string_view text) {
    const Pattern::Match match = Pattern::Compile({regex, true})->Find(text, 0, scratch);
    return match.found && match.begin == 0 && match.end == text.size();
  };
  EXPECT_TRUE(matches(R"(\p{L}+)", "\U00010D50\U00011F04\U0002EBF0"));  // Garay, Kawi, CJK
  EXPECT_FALSE(matches(R"([^\p{L}]+)", "\U00010D50"));
  EXPECT_TRUE(matches(R"(\p{N})", "\U00010D40"));
  EXPECT_TRUE(matches(R"(\p{Lu})", "\U00010D50"));
  EXPECT_FALSE(matches(R"(\p{Ll})", "\U00010D50"));
  EXPECT_TRUE(matches(R"(\s)", "\u0085"));
  EXPECT_FALSE(matches(R"(\s)", "\u180E"));
  EXPECT_TRUE(matches(R"(\S)", "\u180E"));
  EXPECT_FALSE(matches(R"(\p{Han})", "\u3001"));  // a comma that Han text shares with others
}

TEST(PatternTest, HostileExpressionsEnd) {
  PatternScratch scratch;
  const absl::StatusOr<Pattern> pattern = Pattern::Compile({"(a+)+b", true});
  ASSERT_OK(pattern.status());
  EXPECT_FALSE(pattern->Find(std::string(5000, 'a'), 0, scratch).found);
}

constexpr std::string_view kWordPiece = R"({
  "added_tokens": [{"id": 0, "content": "[UNK]"}, {"id": 1, "content": "[SEP]"}],
  "normalizer": {"type": "BertNormalizer", "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "decoder": {"type": "WordPiece"},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "max_input_chars_per_word": 10, "vocab": {
    "[UNK]": 0, "[SEP]": 1, "un": 2, "##aff": 3, "##able": 4, "a": 5, ",": 6, "##a": 7, "don": 8,
    "'": 9, "t": 10}}})";

TEST(WordPieceTest, LongestMatchFirstAndUnknownWords) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Tokenizer::FromJson(kWordPiece));
  EXPECT_THAT(tokenizer.Encode("UnAffable \u00c1,[SEP]"), ElementsAre(2, 3, 4, 5, 6, 1));
  EXPECT_THAT(tokenizer.Encode("unaff!"), ElementsAre(2, 3, 0));
  EXPECT_THAT(tokenizer.EncodeOrdinary("[SEP]"), ElementsAre(0, 0, 0));
}

TEST(WordPieceTest, CountsWhatIsUnknownAndRefusesBitsPerByte) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Tokenizer::FromJson(kWordPiece));
  EncodeStats stats;
  EXPECT_THAT(tokenizer.Encode("unaffable xyz a", &stats), ElementsAre(2, 3, 4, 0, 5));
  EXPECT_EQ(stats.dropped_bytes, 3);
  EXPECT_THAT(tokenizer.Encode("aaaaaaaaaa aaaaaaaaaaa", &stats),
              ElementsAre(5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0));
  EXPECT_EQ(stats.dropped_bytes, 11);
  EXPECT_FALSE(tokenizer.CountsBytes());
  for (const uint32_t bytes : tokenizer.TokenByteCounts()) EXPECT_EQ(bytes, 0u);
  EXPECT_TRUE(tokenizer.IsUnknown(0));
}

TEST(WordPieceTest, DecodesWithSpacesAndCleanUp) {
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Tokenizer::FromJson(kWordPiece));
  EXPECT_EQ(tokenizer.Decode(std::vector<int32_t>{2, 3, 4, 5, 6, 5}), "unaffable a, a");
  EXPECT_EQ(tokenizer.Decode(std::vector<int32_t>{1, 2, 4, 1}, /*skip_special=*/true), "unable");
  EXPECT_EQ(tokenizer.TokenBytes(2), " un");
  EXPECT_EQ(tokenizer.TokenBytes(2, /*first=*/true), "un");
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.Push(1), "");
  EXPECT_EQ(decoder.Push(2), "un");
  EXPECT_EQ(decoder.Push(5), " a");
  decoder.Finish();
  EXPECT_EQ(decoder.Push(5), "a");
}

}  // namespace
}  // namespace shoal::data
