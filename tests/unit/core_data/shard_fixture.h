// Shards made of known examples.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "core/base/strings.h"
#include "core/data/shard.h"
#include "core/data/tokenizer/bpe_trainer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir_test.h"
#include "tests/unit/core_data/random_text.h"

namespace shoal::data {

class ShardTest : public TempDirTest {
 protected:
  static Tokenizer ByteTokenizer() { return *BpeTrainer({.vocab_size = 259}).Train(); }

  // Conversations of random lengths; a few have no answer.
  static std::vector<Example> Conversations(int count) {
    Random random = TestRandom(20);
    std::vector<Example> examples;
    for (int i = 0; i < count; ++i) {
      Conversation conversation{
          .messages = {{Role::kUser, StrCat("q", i, std::string(random.Below(20), 'q'))}},
          .topic = ""};
      if (i % 7 != 3) {
        conversation.messages.push_back(
            {Role::kAssistant, StrCat("a", i, std::string(random.Below(40), 'a'))});
      }
      examples.push_back(RenderConversation(std::move(conversation)));
    }
    return examples;
  }

  Shard MakeShard(const std::vector<Example>& examples, int32_t max_seq = 128) {
    absl::StatusOr<TokenizeReport> report =
        Tokenize(examples, ByteTokenizer(), {.max_seq = max_seq}, files_, Path("x.shard"));
    EXPECT_OK(report);
    if (report.ok()) report_ = *report;
    absl::StatusOr<Shard> shard = Shard::Open(Path("x.shard"));
    EXPECT_OK(shard);
    return *std::move(shard);
  }

  // Writes without a sync: tests write thousands of damaged files.
  void Put(std::string_view name, std::string_view bytes) const {
    std::ofstream(Path(name), std::ios::binary) << bytes;
  }

  static std::vector<int32_t> TokensOf(const Shard& shard, int64_t example) {
    std::vector<int32_t> tokens(static_cast<size_t>(shard.Length(example)));
    shard.CopyTokens(example, 0, tokens);
    return tokens;
  }

  TokenizeReport report_;
};

}  // namespace shoal::data
