// What the subcommands of `shoal tokenizer` share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/commands/command.h"
#include "core/data/conversation.h"

namespace shoal::cli {

// Text files read whole. `texts` views into `examples`.
struct TokenizerCorpus {
  TokenizerCorpus() = default;
  TokenizerCorpus(TokenizerCorpus&&) = default;
  TokenizerCorpus& operator=(TokenizerCorpus&&) = default;

  std::vector<data::Example> examples;
  std::vector<std::string_view> texts;
  int64_t bytes = 0;
};

// .txt files as they are, others as JSONL; malformed lines are listed on stderr. Errors: those of
// reading, naming the file.
absl::StatusOr<TokenizerCorpus> ReadTokenizerCorpus(const std::vector<std::string>& paths);

void AddTokenizerLint(CLI::App& tokenizer, Globals& globals);

}  // namespace shoal::cli
