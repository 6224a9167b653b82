#include "core/data/shard.h"

#include "core/base/digest.h"
#include "core/data/shard_layout.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/faulty_file_system.h"
#include "tests/unit/core_data/shard_fixture.h"

namespace shoal::data {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST_F(ShardTest, HoldsTheTokensFlagsAndBytes) {
  const std::vector<Example> examples = Conversations(50);
  const Shard shard = MakeShard(examples);
  const Tokenizer tokenizer = ByteTokenizer();
  ASSERT_EQ(shard.examples(), 50);
  EXPECT_EQ(shard.vocab_size(), 259);
  EXPECT_EQ(shard.max_seq(), 128);
  EXPECT_EQ(shard.tokenizer_sha256(), Sha256Of(tokenizer.ToJson()).Hex());
  EXPECT_EQ(report_.sha256, Sha256OfFile(Path("x.shard"))->Hex());
  Encoder encoder(tokenizer);
  std::vector<int32_t> tokens;
  std::vector<uint8_t> response;
  int64_t total = 0, responses = 0;
  for (int64_t i = 0; i < 50; ++i) {
    EncodeExample(examples[static_cast<size_t>(i)], encoder, tokens, response);
    EXPECT_EQ(TokensOf(shard, i), tokens);
    EXPECT_THAT(shard.ResponseFlags(i), testing::ElementsAreArray(response));
    EXPECT_EQ(shard.ExampleBytes(i),
              static_cast<int64_t>(tokenizer.Decode(tokens, /*skip_special=*/true).size()));
    total += shard.Length(i);
    responses += shard.ResponseTokens(i);
  }
  EXPECT_EQ(shard.tokens(), total);
  EXPECT_EQ(shard.response_tokens(), responses);
  EXPECT_EQ(report_.without_response, 7);
  EXPECT_EQ(shard.TokenByteCounts()[1], 0u);
  EXPECT_EQ(shard.TokenByteCounts()[3], 1u);
}

TEST_F(ShardTest, TruncatesConversationsAndCounts) {
  const Shard shard = MakeShard(Conversations(50), 40);
  EXPECT_GT(report_.truncated, 0);
  EXPECT_GT(report_.truncated_tokens, 0);
  EXPECT_EQ(report_.windowed, 0);
  EXPECT_GT(report_.longest, 41);
  for (int64_t i = 0; i < shard.examples(); ++i) EXPECT_LE(shard.Length(i), 41);
}

TEST_F(ShardTest, PlainTextBecomesWindowsThatShareOneToken) {
  const std::string text(100, 'x');
  const Shard shard = MakeShard({ExampleFromText(text), ExampleFromText("y")}, 30);
  ASSERT_EQ(shard.examples(), 4);  // targets 1..30, 31..60, 61..90, 91..99
  EXPECT_EQ(shard.Length(0), 31);
  EXPECT_EQ(shard.Length(3), 10);
  EXPECT_EQ(report_.windowed, 1);
  EXPECT_EQ(report_.too_short, 1);
  int64_t targets = 0;
  for (int64_t i = 0; i < 4; ++i) targets += shard.Length(i) - 1;
  EXPECT_EQ(targets, 99);
}

TEST_F(ShardTest, RefusesNothingAndNonsense) {
  EXPECT_THAT(Tokenize({}, ByteTokenizer(), {}, files_, Path("e.shard")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("nothing to learn from")));
  EXPECT_FALSE(files_.Exists(Path("e.shard")));
  EXPECT_THAT(Tokenize(Conversations(1), ByteTokenizer(), {.max_seq = 0}, files_, Path("e.shard")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("max_seq is 0")));
  FaultyFileSystem full;
  full.FailAfter(FileOperation::kWriteAtomic, 0, absl::ResourceExhaustedError("disk full"));
  EXPECT_THAT(Tokenize(Conversations(1), ByteTokenizer(), {}, full, Path("e.shard")),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(Shard::Open(Path("e.shard")), StatusIs(StatusCode::kNotFound));
}

TEST_F(ShardTest, EveryDamagedByteIsNoticed) {
  MakeShard(Conversations(10));
  ASSERT_OK_AND_ASSIGN(const std::string good, files_.ReadFile(Path("x.shard")));
  Random random = TestRandom(21);
  for (size_t i = 0; i < good.size(); i += i < kShardHeaderBytes ? 1 : 1 + random.Below(9)) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << random.Below(8)));
    Put("bad.shard", bad);
    ASSERT_THAT(Shard::Open(Path("bad.shard")),
                StatusIs(StatusCode::kDataLoss, HasSubstr("bad.shard")))
        << "byte " << i;
  }
}

TEST_F(ShardTest, EveryTruncationIsNoticed) {
  MakeShard(Conversations(10));
  ASSERT_OK_AND_ASSIGN(const std::string good, files_.ReadFile(Path("x.shard")));
  for (size_t size = 0; size < good.size(); size += size < 300 ? 1 : 61) {
    Put("cut.shard", good.substr(0, size));
    ASSERT_THAT(Shard::Open(Path("cut.shard"), Shard::Verify::kStructure),
                StatusIs(StatusCode::kDataLoss))
        << size;
  }
  Put("long.shard", good + "x");
  EXPECT_THAT(Shard::Open(Path("long.shard")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("bytes follow it")));
  Put("text.shard", std::string(500, 'x'));
  EXPECT_THAT(Shard::Open(Path("text.shard")),
              StatusIs(StatusCode::kDataLoss, HasSubstr("does not begin with SHOALSHD")));
}

// A file whose digests are right but whose numbers are not: made on purpose, or by a broken writer.
TEST_F(ShardTest, ForgedHeadersAreNotBelieved) {
  MakeShard(Conversations(10));
  ASSERT_OK_AND_ASSIGN(const std::string good, files_.ReadFile(Path("x.shard")));
  const auto forge = [&](size_t at, uint8_t value, bool offsets) {
    std::string bad = good;
    bad[at] = static_cast<char>(value);
    if (offsets) {
      bad.replace(160, 32, std::string(32, '\0'));
      const Digest content = Sha256Of(std::string_view(bad).substr(kShardHeaderBytes));
      std::copy(content.bytes().begin(), content.bytes().end(), bad.begin() + 160);
    }
    const Digest head = Sha256Of(std::string_view(bad).substr(0, 224));
    std::copy(head.bytes().begin(), head.bytes().end(), bad.begin() + 224);
    Put("forged.shard", bad);
    return Shard::Open(Path("forged.shard")).status();
  };
  EXPECT_THAT(forge(8, 2, false),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("version 2")));
  EXPECT_THAT(forge(16, 3, false), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(forge(20, 1, false), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(forge(39, 0xFF, false), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(forge(47, 0xFF, false), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(forge(80, 0xFF, false), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(forge(kShardHeaderBytes + 8, 0xFF, true),
              StatusIs(StatusCode::kDataLoss, HasSubstr("offsets")));
  ASSERT_OK_AND_ASSIGN(const ShardHeader header, ReadShardHeader(good));
  EXPECT_THAT(forge(LayoutOf(header).tokens + 1, 0xFF, true),
              StatusIs(StatusCode::kDataLoss, HasSubstr("holds token")));
}

TEST_F(ShardTest, WideVocabulariesUseFourBytes) {
  TokenizerParts parts = ByteTokenizer().parts();
  for (int32_t i = 0; parts.tokens.size() < 70'000; ++i) parts.tokens.emplace_back(StrCat("w", i));
  parts.ignore_merges = true;
  ASSERT_OK_AND_ASSIGN(const Tokenizer tokenizer, Tokenizer::FromParts(std::move(parts)));
  TokenizerParts last = tokenizer.parts();
  last.added.push_back({69'999, "<last>"});
  ASSERT_OK_AND_ASSIGN(const Tokenizer with_last, Tokenizer::FromParts(std::move(last)));
  const std::vector<Example> examples = {ExampleFromText("ab<last>cd")};
  ASSERT_OK(Tokenize(examples, with_last, {}, files_, Path("wide.shard")));
  ASSERT_OK_AND_ASSIGN(const Shard shard, Shard::Open(Path("wide.shard")));
  EXPECT_EQ(TokensOf(shard, 0), with_last.Encode("ab<last>cd"));
  EXPECT_EQ(TokensOf(shard, 0)[2], 69'999);
}

TEST_F(ShardTest, RandomOnesHoldTheWholeVocabulary) {
  ASSERT_OK(WriteRandomShard(70000, 400, 500, 7, files_, Path("random.shard")));
  ASSERT_OK_AND_ASSIGN(const Shard shard, Shard::Open(Path("random.shard")));
  EXPECT_EQ(shard.examples(), 400);
  EXPECT_EQ(shard.max_seq(), 500);
  int32_t largest = 0;
  for (int64_t i = 0; i < shard.examples(); ++i) {
    EXPECT_EQ(shard.Length(i), 501);
    for (const int32_t token : TokensOf(shard, i)) {
      ASSERT_GE(token, 0);
      ASSERT_LT(token, 70000);
      largest = std::max(largest, token);
    }
  }
  EXPECT_GT(largest, 69900);
  ASSERT_OK(WriteRandomShard(70000, 400, 500, 7, files_, Path("again.shard")));
  EXPECT_EQ(files_.ReadFile(Path("random.shard")).value(),
            files_.ReadFile(Path("again.shard")).value());
}

}  // namespace
}  // namespace shoal::data
