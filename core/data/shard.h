// A shard: one tokenized data set in one file, mapped into memory by trainers.
//
// The layout is described in SHARD_FORMAT.md: a versioned little-endian header, then
// 64-byte-aligned sections, all covered by SHA-256. Tokens are u16 when the vocabulary has at most
// 65,536 entries, else u32. Every example has at least two tokens, so it has at least one target.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/file.h"
#include "core/data/conversation.h"
#include "core/data/tokenizer/tokenizer.h"

namespace shoal::data {

struct TokenizeOptions {
  // The model's context: an example becomes at most max_seq inputs and max_seq targets, which is
  // max_seq + 1 tokens.
  int32_t max_seq = 128;
  // Whole sequences, for models that do not predict the next token: the text of people alone,
  // without chat markup, between the tokenizer's [CLS] and [SEP] where it has them, at most max_seq
  // tokens. See EncodeWhole.
  bool whole = false;
  // With `whole`: each example has the label of its class, the place of its topic in `classes`;
  // examples of other topics are left out. Empty: no labels.
  std::vector<std::string> classes{};
};

// The distinct topics (labels) of examples, sorted; those without a topic do not count.
std::vector<std::string> ClassesOf(std::span<const Example> examples);

struct TokenizeReport {
  int64_t examples_in = 0;
  int64_t examples = 0;  // in the shard; windows count
  int64_t tokens = 0;
  int64_t response_tokens = 0;
  int64_t bytes = 0;             // text bytes of these tokens, special tokens excluded
  int64_t longest = 0;           // tokens of the longest example before truncation
  int64_t truncated = 0;         // conversations longer than max_seq + 1 tokens
  int64_t truncated_tokens = 0;  // tokens cut off
  int64_t windowed = 0;          // plain texts cut into windows
  int64_t too_short = 0;         // left out: fewer than two tokens, nothing to predict
  int64_t dropped_bytes = 0;     // bytes that the vocabulary cannot represent
  int64_t without_label = 0;     // left out: no class of this name
  int64_t without_response = 0;  // in the shard, without a response token to learn
  std::string sha256;            // hex digest of the file: the name of the artifact
};

// Encodes the examples in order and writes a shard atomically. Conversations longer than max_seq +
// 1 tokens are truncated at the end; plain texts are cut into consecutive windows of max_seq + 1
// tokens that share one token, so that every token but the first is a target exactly once. Errors:
// InvalidArgument (max_seq < 1, no usable example), and those of writing.
absl::StatusOr<TokenizeReport> Tokenize(std::span<const Example> examples,
                                        const Tokenizer& tokenizer, const TokenizeOptions& options,
                                        FileSystem& files, const std::string& path);

// Writes a shard of `examples` examples of `length` + 1 tokens each, drawn from all of the
// vocabulary alike: input for measurements. Requires length >= 1. Errors: those of writing.
absl::Status WriteRandomShard(int64_t vocab_size, int64_t examples, int32_t length, uint64_t seed,
                              FileSystem& files, const std::string& path);

// Thread-safe after Open; copies share the mapping.
class Shard {
 public:
  enum class Verify {
    kContent,    // everything: hashes the whole file, about 1 GB/s
    kStructure,  // all but the hash of the content: what it holds is safe to read, but may be
                 // damaged
  };

  // Maps the file read-only.
  // Errors: NotFound; DataLoss when the file is not a shard, is cut short, has a wrong digest or
  // offsets, saying which; FailedPrecondition for a newer format version.
  static absl::StatusOr<Shard> Open(const std::string& path, Verify verify = Verify::kContent);

  int64_t examples() const;
  int64_t tokens() const;
  int64_t bytes() const;
  int64_t response_tokens() const;
  int32_t vocab_size() const;
  int32_t max_seq() const;
  const std::string& tokenizer_sha256() const;  // hex digest of the tokenizer's ToJson()
  const std::string& content_sha256() const;    // hex digest of the sections

  // Tokens of an example; always >= 2. Requires 0 <= example < examples().
  int64_t Length(int64_t example) const;
  int64_t ExampleBytes(int64_t example) const;
  int64_t ResponseTokens(int64_t example) const;  // among tokens 1.., those that can be targets
  // Copies tokens [first, first + out.size()) of the example as i32.
  // Requires 0 <= first and first + out.size() <= Length(example).
  void CopyTokens(int64_t example, int64_t first, std::span<int32_t> out) const;
  // One per token, 1 for response tokens. [Length(example)]
  std::span<const uint8_t> ResponseFlags(int64_t example) const;
  // Of a labelled set; 0 classes otherwise.
  int64_t classes() const;
  std::vector<std::string> ClassNames() const;  // by label
  int32_t Label(int64_t example) const;         // requires classes() > 0
  // Text bytes of each token of the vocabulary, 0 for special tokens. [vocab_size]
  std::span<const uint32_t> TokenByteCounts() const;

 private:
  struct Mapping;
  explicit Shard(std::shared_ptr<const Mapping> mapping);
  std::shared_ptr<const Mapping> mapping_;  // shared by copies and by batchers
};

}  // namespace shoal::data
