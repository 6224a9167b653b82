// Byte-level BPE tokenizer, read from and written as a Hugging Face `tokenizer.json`.
//
// Text is cut at special tokens, then into pre-tokens (pretokenizer.h), then each pre-token's bytes
// are merged by rank. Ids equal those of the Hugging Face library with add_special_tokens=False.
// Tokenizers that Shoal trains hold all 256 bytes, so Decode(Encode(x)) == x for any bytes x. A
// foreign vocabulary may lack bytes; the Hugging Face library drops those silently, we drop *and
// count* them.
//
// Read: model BPE; pre-tokenizer ByteLevel (add_prefix_space either way, use_regex true);
// normalizer null; added_tokens without lstrip, rstrip or single_word. Anything else is refused by
// name, because its ids would differ. The post-processor is not applied.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/file.h"

namespace shoal::data {

// The chat vocabulary of every tokenizer that Shoal trains; ids 0, 1 and 2 in this order.
inline constexpr std::string_view kPadToken = "<pad>";
inline constexpr std::string_view kStartToken = "<|im_start|>";
inline constexpr std::string_view kEndToken = "<|im_end|>";

struct SpecialToken {
  int32_t id = 0;
  std::string content;
};

// What an encoding could not represent. Always 0 when the vocabulary has all bytes.
struct EncodeStats {
  int64_t dropped_bytes = 0;
};

// Everything that defines a tokenizer; what the trainer and the reader of tokenizer.json produce.
struct TokenizerParts {
  // Bytes of each id. nullopt: the id is not used (a gap in a foreign vocabulary).
  std::vector<std::optional<std::string>> tokens;
  // Merges by rank, as id pairs; the result is the token with the concatenated bytes.
  std::vector<std::pair<int32_t, int32_t>> merges;
  std::vector<SpecialToken> specials;
  bool add_prefix_space = false;
  bool ignore_merges = false;  // a pre-token that is itself in the vocabulary is taken whole
};

// Immutable after construction; thread-safe.
class Tokenizer {
 public:
  // Reads a tokenizer.json of at most 64 MiB.
  // Errors: NotFound (no such file), InvalidArgument (not JSON, unsupported feature, inconsistent
  // vocabulary: the message names the member and the value).
  static absl::StatusOr<Tokenizer> Load(const std::string& path);
  static absl::StatusOr<Tokenizer> FromJson(std::string_view json);
  // Errors: InvalidArgument (a merge without a result token, duplicate tokens, bad ids).
  static absl::StatusOr<Tokenizer> FromParts(TokenizerParts parts);

  // The canonical tokenizer.json: equal tokenizers give equal bytes, so its SHA-256 names them.
  std::string ToJson() const;
  // Writes ToJson() atomically.
  absl::Status Save(FileSystem& files, const std::string& path) const;

  // Recognises special tokens written in the text. Convenience: for many texts, use Encoder.
  std::vector<int32_t> Encode(std::string_view text, EncodeStats* stats = nullptr) const;
  // Never produces a special token: for text from outside (what a user types in a chat).
  std::vector<int32_t> EncodeOrdinary(std::string_view text, EncodeStats* stats = nullptr) const;

  // The bytes of the tokens. Special tokens give their written form, or nothing with skip_special.
  // Ids outside the vocabulary give nothing.
  std::string Decode(std::span<const int32_t> ids, bool skip_special = false) const;

  int32_t vocab_size() const;  // largest id + 1
  // Bytes that the token stands for; a special token's written form. Empty for an unused id.
  // Requires 0 <= id < vocab_size().
  std::string_view TokenBytes(int32_t id) const;
  bool IsSpecial(int32_t id) const;
  // Length of each token's bytes, 0 for special tokens and unused ids: the table that turns nats
  // per token into bits per byte. [vocab_size]
  std::vector<uint32_t> TokenByteCounts() const;
  std::optional<int32_t> SpecialId(std::string_view content) const;
  // Bytes (0..255) that no token can represent, ascending; empty for a complete vocabulary.
  std::vector<uint8_t> MissingBytes() const;
  const TokenizerParts& parts() const;

 private:
  friend class Encoder;
  struct Model;
  explicit Tokenizer(std::shared_ptr<const Model> model);

  std::shared_ptr<const Model> model_;  // shared by copies of the tokenizer and by its encoders
};

// Encodes many texts quickly: owns the pre-token cache and the match state.
// Thread-compatible: one encoder per thread.
class Encoder {
 public:
  explicit Encoder(const Tokenizer& tokenizer);
  ~Encoder();
  Encoder(Encoder&&) noexcept;

  // Append ids to `out`; same ids as Tokenizer::Encode and ::EncodeOrdinary.
  void Append(std::string_view text, std::vector<int32_t>& out);
  void AppendOrdinary(std::string_view text, std::vector<int32_t>& out);
  const EncodeStats& stats() const;  // summed since construction

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Turns a stream of ids into text that is only ever cut between complete UTF-8 sequences: bytes of
// an unfinished character wait for the next token. Bytes that can never become valid UTF-8 come out
// as U+FFFD. Thread-compatible.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special = true);

  // The text that became complete with this token; may be empty.
  std::string Push(int32_t id);
  // What is still waiting, as U+FFFD, at the end of the stream. The decoder is then empty again.
  std::string Finish();

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  std::string pending_;
};

}  // namespace shoal::data
