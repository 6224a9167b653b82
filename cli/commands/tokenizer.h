// What the subcommands of `shoal tokenizer` share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/commands/command.h"
#include "core/data/conversation.h"

namespace shoal::cli {

// Texts read whole. `texts` views into `examples`.
struct TokenizerCorpus {
  TokenizerCorpus() = default;
  TokenizerCorpus(TokenizerCorpus&&) = default;
  TokenizerCorpus& operator=(TokenizerCorpus&&) = default;

  std::vector<data::Example> examples;
  std::vector<std::string_view> texts;
  int64_t bytes = 0;
};

// What --help says of the sources below.
inline constexpr char kCorpusHelp[] =
    ".txt, or .jsonl as runs take it, also .gz or .zst; or a data set of the lab, by name";

// .txt files as they are, others as JSONL, both also compressed; what is no file is the name of a
// data set, whose training part is meant. Malformed lines are listed on stderr. Errors: those of
// reading, naming the file.
absl::StatusOr<TokenizerCorpus> ReadTokenizerCorpus(const Globals& globals,
                                                    const std::vector<std::string>& sources);

// Whether the tokenizer's path is there. Errors: NotFound, with a remedy.
absl::StatusOr<data::Tokenizer> OpenTokenizer(const std::string& path);

void AddTokenizerLint(CLI::App& tokenizer, Globals& globals);

}  // namespace shoal::cli
