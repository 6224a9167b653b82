// Parsers against damaged input: whatever comes, an answer or a Status, never a crash.
#include "core/base/file.h"
#include "core/data/batcher.h"
#include "core/data/persona/persona.h"
#include "core/data/text_source.h"
#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/unit/core_data/shard_fixture.h"

namespace shoal::data {
namespace {

// Flips, inserts, removes, doubles and moves a few stretches of bytes.
std::string Mutate(std::string text, Random& random) {
  for (uint64_t n = 1 + random.Below(6); n > 0 && !text.empty(); --n) {
    const size_t at = random.Below(text.size());
    const size_t size = 1 + random.Below(12);
    switch (random.Below(5)) {
      case 0:
        text[at] = static_cast<char>(random.Below(256));
        break;
      case 1:
        text.insert(at, RandomText(random, 3));
        break;
      case 2:
        text.erase(at, size);
        break;
      case 3:
        text.insert(random.Below(text.size()), text.substr(at, size));
        break;
      default: {
        static constexpr std::string_view kSyntax[] = {"{",   "}", "[",    "]",     "\"",
                                                       ":",   ",", "-",    "\n",    "&a ",
                                                       "*a ", "|", "null", "1e999", "- "};
        text.insert(at, kSyntax[random.Below(std::size(kSyntax))]);
      }
    }
  }
  return text;
}

TEST(MutationTest, TokenizerJson) {
  const std::string good =
      *RealFileSystem().ReadFile(SourcePath("tests/golden/data/foreign_tokenizer.json"));
  Random random = TestRandom(30);
  int accepted = 0;
  for (int i = 0; i < 1500; ++i) {
    const absl::StatusOr<Tokenizer> tokenizer = Tokenizer::FromJson(Mutate(good, random));
    if (!tokenizer.ok()) {
      EXPECT_FALSE(tokenizer.status().message().empty());
      continue;
    }
    ++accepted;
    tokenizer->Encode("the lamp waits <|im_end|>");
    EXPECT_TRUE(Tokenizer::FromJson(tokenizer->ToJson()).ok());
  }
  EXPECT_GT(accepted, 0);
}

TEST(MutationTest, TokenizerStyles) {
  Random random = TestRandom(34);
  for (const char* style : {"llama3", "normalized", "accents", "gpt_neox", "characters",
                            "wordpiece_uncased", "shoal_char"}) {
    const std::string good = *RealFileSystem().ReadFile(
        SourcePath(StrCat("tests/golden/data/tokenizers/", style, ".json")));
    // The settings lie at the start; the vocabulary behind them would take most mutations.
    const size_t head = good.find("\"vocab\"");
    for (int i = 0; i < 400; ++i) {
      const std::string bad = Mutate(good.substr(0, head), random) + good.substr(head);
      const absl::StatusOr<Tokenizer> tokenizer = Tokenizer::FromJson(bad);
      if (!tokenizer.ok()) {
        EXPECT_FALSE(tokenizer.status().message().empty());
        continue;
      }
      tokenizer->Decode(tokenizer->Encode(RandomText(random, 20)));
      tokenizer->EncodeOrdinary(RandomBytes(random, 40));
      EXPECT_OK(Tokenizer::FromJson(tokenizer->ToJson()).status());
    }
    for (int i = 0; i < 50; ++i) {
      EXPECT_FALSE(Tokenizer::FromJson(RandomBytes(random, 200)).ok());
    }
  }
}

TEST(MutationTest, Jsonl) {
  std::string good;
  for (int i = 0; i < 8; ++i) {
    good += ToJsonLine({.messages = {{Role::kUser, StrCat("q \"", i)}, {Role::kAssistant, "a\n"}},
                        .topic = "t"}) +
            "\n{\"text\": \"<|im_start|>assistant\\nx\"}\n";
  }
  Random random = TestRandom(31);
  for (int i = 0; i < 3000; ++i) {
    const std::string text = Mutate(good, random);
    const absl::StatusOr<Source> source = ParseJsonl(text, "m.jsonl");
    if (!source.ok()) continue;
    const SourceReport& r = source->report;
    EXPECT_EQ(r.lines, r.blank_lines + r.malformed_lines + r.examples);
  }
}

TEST(MutationTest, PersonaYaml) {
  const std::string good = R"(format: 1
name: T
prompt_style: {lower: 0.3, upper: 0.1, no_ending: 0.2}
starters: {chance: 0.5, lines: ["Oh.", "{^x}!"]}
blanks:
  x: [one, "two {y}"]
  y: {from: 1, to: 9}
topics:
  - name: t
    weight: 2
    blanks: {z: ["{x} {y}"]}
    prompts: ["hi {z}?", "{a|{x}|}b"]
    responses: ["{a x} and {x@1} {x@1}."]
)";
  Random random = TestRandom(32);
  for (int i = 0; i < 3000; ++i) {
    const absl::StatusOr<Persona> persona = Persona::FromYaml(Mutate(good, random), "m.yaml");
    if (!persona.ok()) continue;
    for (int64_t index = 0; index < 5; ++index) persona->Generate(1, index);
  }
}

TEST_F(ShardTest, MutatedShards) {
  MakeShard(Conversations(20));
  ASSERT_OK_AND_ASSIGN(const std::string good, files_.ReadFile(Path("x.shard")));
  Random random = TestRandom(33);
  for (int i = 0; i < 300; ++i) {
    const std::string bad = Mutate(good, random);
    if (bad == good) continue;
    Put("m.shard", bad);
    EXPECT_FALSE(Shard::Open(Path("m.shard")).ok());
    // Without the digest of the content, what opens must still be safe to read.
    const absl::StatusOr<Shard> shard = Shard::Open(Path("m.shard"), Shard::Verify::kStructure);
    if (!shard.ok()) continue;
    for (int64_t e = 0; e < shard->examples(); ++e) TokensOf(*shard, e);
  }
}

}  // namespace
}  // namespace shoal::data
